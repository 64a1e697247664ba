import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rightBeyondView } from '#core/kube/kubectl-words.ts'

/** Which right a line of kubectl takes, where the role `view` has not got it. */

describe('what a line of kubectl takes', () => {
  const rows: ReadonlyArray<readonly [line: string, right: string | undefined, why: string]> = [
    ['delete pod hermes-1', 'delete pods', 'by its type'],
    ['delete po/hermes-1 --wait=false', 'delete pods', 'by a short name and a slash'],
    ['delete --grace-period 0 pods -l app=hermes', 'delete pods', 'behind flags with values'],
    ['-o name delete deployment hermes', 'delete apps deployments', 'a flag before the verb'],
    ['delete deploy.apps hermes', 'delete apps deployments', 'with its group'],
    ['delete deploy.example.org x', undefined, 'of a group that is not theirs'],
    ['scale deploy/hermes --replicas=3', 'patch apps deployments/scale', 'its subresource'],
    ['rollout restart deployment hermes', 'patch apps deployments', 'behind a word of its own'],
    ['rollout status deployment hermes', undefined, 'which only looks'],
    ['set image deployment/hermes hermes=x', 'patch apps deployments', 'a word of its own'],
    ['edit cm paragon-settings', 'patch configmaps', 'an editor'],
    ['create secret generic x', 'create secrets', 'a Secret'],
    ['get secrets', 'list secrets', 'a list of Secrets'],
    ['get secret paragon-secrets -o yaml', 'get secrets', 'one of them'],
    ['get pods,secrets', 'list secrets', 'of several, the one that is not for all'],
    ['describe secret/x', 'get secrets', 'which is read as well'],
    ['delete networkpolicy x', 'delete networking.k8s.io networkpolicies', 'a plural of its own'],
    ['exec hermes-1 -- delete pod x', 'create pods/exec', 'and nothing of what is run'],
    ['exec -it hermes-1 -c hermes -- sh', 'create pods/exec', 'interactively'],
    ['cp hermes-1:/etc/hosts .', 'create pods/exec', 'a copy runs tar'],
    ['run x --image busybox', 'create pods', 'a pod'],
    ['get pods', undefined, 'which the role view has'],
    ['logs -f hermes-1', undefined, 'as well'],
    ['delete node a', undefined, 'which neither role has'],
    ['delete -f all.yaml', undefined, 'what is in a file nobody knows'],
    ['delete pod x -n kube-system', undefined, 'where the role is not'],
    ['delete pod x --namespace=kube-system', undefined, 'as well'],
    ['get secrets -A', undefined, 'everywhere'],
    ['delete pod x --as=somebody', undefined, 'who asks is somebody else'],
    ['delete', undefined, 'nothing'],
    ['constructor x', undefined, 'no verb of kubectl'],
    ['', undefined, 'no words'],
  ]
  for (const [line, right, why] of rows)
    it(`${JSON.stringify(line)}: ${right ?? 'nothing'}: ${why}`, () => {
      const found = rightBeyondView(line.split(' '))
      const text = found && [found.verb, found.group, found.resource].filter((part) => part !== '').join(' ')
      assert.equal(text, right)
    })
})
