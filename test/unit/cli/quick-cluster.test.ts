import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { environmentFor, parseQuickRun, type QuickRun } from '#cli/quick-cluster.ts'

const line = (text: string) => text.split(' ')

describe('command lines that need nothing but the program and a tunnel', { timeout: 10_000 }, () => {
  const rows: ReadonlyArray<[text: string, flags: QuickRun['flags']]> = [
    ['kubectl -- get pods', {}],
    ['helm -- list -A', {}],
    ['kubectl -i acme -- get pods', { installation: 'acme' }],
    [
      'kubectl --installation=acme --region eu-west-1 --profile ops -- get pods',
      { installation: 'acme', region: 'eu-west-1', profile: 'ops' },
    ],
    ['kubectl -- get pods -i x -- --installation y', {}],
  ]
  for (const [text, flags] of rows)
    it(text, () => {
      const words = line(text)
      const dashes = words.indexOf('--')
      assert.deepEqual(parseQuickRun(words), { program: words[0], words: words.slice(dashes + 1), flags })
    })

  for (const [text, why] of [
    ['', 'nothing'],
    ['kubectl get pods', 'no dashes: the usual way says so'],
    ['kubectl --', 'no words'],
    ['kubectl --reason INC-1 -- get pods', 'a session of its own'],
    ['kubectl --background off -- get pods', 'as well'],
    ['kubectl --debug -- get pods', 'diagnostics are wanted'],
    ['kubectl --help -- get', 'help is wanted'],
    ['kubectl -i acme -i globex -- get', 'which of them'],
    ['kubectl -i -- get', 'a flag without its value'],
    ['kubectl --installation= -- get', 'an empty one'],
    ['kubectl acme -- get', 'a word that is nobody’s'],
    ['run -- k9s', 'a program that waits for a person: somebody has to hold its tunnel'],
    ['tunnel grafana -- x', 'another command'],
    ['kubectl --constructor x -- get', 'no flag of ours'],
  ] as const)
    it(`not ${JSON.stringify(text)}: ${why}`, () => assert.equal(parseQuickRun(line(text)), undefined))

  it('the program sees where the cluster is, and whose it is', () => {
    const way = {
      isThere: true,
      isNew: false,
      installation: 'acme',
      kubeconfig: '/k',
      tunnel: 1,
    } as Parameters<typeof environmentFor>[0]
    assert.deepEqual(environmentFor(way, { HOME: '/home/me', KUBECONFIG: '/mine' }), {
      HOME: '/home/me',
      KUBECONFIG: '/k',
      PGCTL_INSTALLATION: 'acme',
    })
  })
})
