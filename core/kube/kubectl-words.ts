import { type ClusterRight, ROLES, roleGiving } from '#core/kube/rights.ts'

/**
 * What a command line of kubectl takes of the cluster, as far as it can be told from its words alone. It is asked of
 * the cluster afterwards: a line that was read wrong leads to a question too many, and to no wrong answer.
 */

/** On the type that is named; the number says at which word, where a word of the verb's own comes first. */
const ON_TYPES: Readonly<Record<string, readonly [verb: string, at: number, subresource?: string]>> = {
  get: ['get', 1],
  describe: ['get', 1],
  delete: ['delete', 1],
  create: ['create', 1],
  edit: ['patch', 1],
  patch: ['patch', 1],
  label: ['patch', 1],
  annotate: ['patch', 1],
  autoscale: ['patch', 1],
  set: ['patch', 2],
  rollout: ['patch', 2],
  scale: ['patch', 1, 'scale'],
}
const ON_PODS: Readonly<Record<string, string>> = { exec: 'pods/exec', cp: 'pods/exec', run: 'pods' }
/** They look, though other lines of the same verb change something. */
const LOOKING = new Set(['rollout status', 'rollout history'])

/** Who asks, of what and where is then another matter, or stands in a file. */
const ELSEWHERE =
  /^(-[nAfks].*|--(namespace|all-namespaces|filename|kustomize|as|as-group|as-uid|context|cluster|user|server|token|kubeconfig)(=.*)?)$/
/** Flags whose value is a word of its own; of all others it is taken that they have none. */
const WITH_VALUE = new Set([
  ...['-l', '--selector', '-o', '--output', '-c', '--container', '-p', '--patch', '--type', '--replicas'],
  ...['--field-selector', '--grace-period', '--timeout', '--sort-by', '--request-timeout', '--image'],
])

const SHORT: Readonly<Record<string, string>> = {
  ...{ po: 'pods', svc: 'services', cm: 'configmaps', deploy: 'deployments', rs: 'replicasets' },
  ...{ sts: 'statefulsets', ds: 'daemonsets', cj: 'cronjobs', ing: 'ingresses', netpol: 'networkpolicies' },
  ...{ pdb: 'poddisruptionbudgets', hpa: 'horizontalpodautoscalers', pvc: 'persistentvolumeclaims' },
  sa: 'serviceaccounts',
}

/**
 * The right that a line takes in the product's namespace, where whoever only looks has not got it: the one that its
 * refusal will have been about. Undefined for every other line, and for what cannot be told.
 */
export function rightBeyondView(words: readonly string[]): ClusterRight | undefined {
  const plain = plainWords(words)
  const [verb = '', second = ''] = plain ?? []
  if (plain === undefined || LOOKING.has(`${verb} ${second}`)) return undefined
  const onPods = Object.hasOwn(ON_PODS, verb) ? ON_PODS[verb] : undefined
  if (onPods !== undefined) return { verb: 'create', group: '', resource: onPods }
  const [does, at, subresource] = (Object.hasOwn(ON_TYPES, verb) ? ON_TYPES[verb] : undefined) ?? []
  if (does === undefined || at === undefined) return undefined
  const [types = '', name] = (plain[at] ?? '').split('/')
  const isList = does === 'get' && name === undefined && plain[at + 1] === undefined
  for (const type of types.split(',')) {
    const right = rightOn(type, isList ? 'list' : does, subresource)
    if (right !== undefined && roleGiving(right) === 'operate') return right
  }
  return undefined
}

/** The words without flags, up to what is for another program. */
function plainWords(words: readonly string[]): string[] | undefined {
  const plain: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--') break
    if (ELSEWHERE.test(word)) return undefined
    if (WITH_VALUE.has(word)) at++
    else if (!word.startsWith('-')) plain.push(word)
  }
  return plain
}

function rightOn(type: string, verb: string, subresource: string | undefined): ClusterRight | undefined {
  const [name = '', ...group] = type.toLowerCase().split('.')
  const short = Object.hasOwn(SHORT, name) ? SHORT[name] : undefined
  const plurals = [short, name, `${name}s`, `${name}es`, name.replace(/y$/, 'ies')]
  for (const { apiGroups, resources } of ROLES.operate)
    for (const resource of resources)
      if (plurals.includes(resource) && (group.length === 0 || apiGroups.includes(group.join('.'))))
        return {
          ...{ verb, group: apiGroups[0] ?? '' },
          resource: subresource === undefined ? resource : `${resource}/${subresource}`,
        }
  return undefined
}
