/** What the API says about itself. */

interface ResourceEntry {
  readonly name: string
  readonly singularName: string
  readonly namespaced: boolean
  readonly kind: string
  readonly verbs: readonly string[]
  readonly shortNames?: readonly string[]
}

const READ = ['get', 'list', 'watch']

const CORE: readonly ResourceEntry[] = [
  {
    name: 'configmaps',
    singularName: 'configmap',
    namespaced: true,
    kind: 'ConfigMap',
    verbs: [...READ, 'patch'],
    shortNames: ['cm'],
  },
  {
    name: 'endpoints',
    singularName: 'endpoints',
    namespaced: true,
    kind: 'Endpoints',
    verbs: READ,
    shortNames: ['ep'],
  },
  { name: 'events', singularName: 'event', namespaced: true, kind: 'Event', verbs: READ, shortNames: ['ev'] },
  {
    name: 'namespaces',
    singularName: 'namespace',
    namespaced: false,
    kind: 'Namespace',
    verbs: READ,
    shortNames: ['ns'],
  },
  {
    name: 'pods',
    singularName: 'pod',
    namespaced: true,
    kind: 'Pod',
    verbs: [...READ, 'delete'],
    shortNames: ['po'],
  },
  { name: 'pods/exec', singularName: '', namespaced: true, kind: 'PodExecOptions', verbs: ['create', 'get'] },
  { name: 'pods/log', singularName: '', namespaced: true, kind: 'Pod', verbs: ['get'] },
  {
    name: 'pods/portforward',
    singularName: '',
    namespaced: true,
    kind: 'PodPortForwardOptions',
    verbs: ['create', 'get'],
  },
  { name: 'secrets', singularName: 'secret', namespaced: true, kind: 'Secret', verbs: READ },
  {
    name: 'services',
    singularName: 'service',
    namespaced: true,
    kind: 'Service',
    verbs: READ,
    shortNames: ['svc'],
  },
]

const DISCOVERY: readonly ResourceEntry[] = [
  {
    name: 'endpointslices',
    singularName: 'endpointslice',
    namespaced: true,
    kind: 'EndpointSlice',
    verbs: READ,
  },
]

const AUTHORIZATION: readonly ResourceEntry[] = [
  {
    name: 'selfsubjectaccessreviews',
    singularName: 'selfsubjectaccessreview',
    namespaced: false,
    kind: 'SelfSubjectAccessReview',
    verbs: ['create'],
  },
]

const AUTHORIZATION_VERSION = { groupVersion: 'authorization.k8s.io/v1', version: 'v1' }
const DISCOVERY_VERSION = { groupVersion: 'discovery.k8s.io/v1', version: 'v1' }

/** A resource that can be listed: where its objects are in the store, and what a list of them is called. */
export interface Collection {
  readonly key: string
  readonly kind: string
  readonly apiVersion: string
}

/** The collection of a group, version and plural name; undefined when the API has none such. */
export function collectionOf(group: string, version: string, resource: string): Collection | undefined {
  const entries = group === '' ? CORE : group === 'discovery.k8s.io' ? DISCOVERY : []
  const entry = version === 'v1' ? entries.find(({ name }) => name === resource) : undefined
  if (entry === undefined || resource.includes('/')) return undefined
  return {
    key: group === '' ? resource : `${resource}.${group}`,
    kind: entry.kind,
    apiVersion: group === '' ? 'v1' : `${group}/v1`,
  }
}

/** The answer of a cluster of `version` to a path that names no resource: a text, a document, or undefined where there is nothing. */
export function discoveryOf(path: string, version: string): string | object | undefined {
  switch (path.replace(/\/$/, '')) {
    case '/version':
      return versionInfo(version)
    case '/healthz':
    case '/livez':
    case '/readyz':
      return 'ok'
    case '/api':
      return {
        kind: 'APIVersions',
        versions: ['v1'],
        serverAddressByClientCIDRs: [
          { clientCIDR: '0.0.0.0/0', serverAddress: 'ip-10-0-48-10.internal:443' },
        ],
      }
    case '/apis':
      return {
        kind: 'APIGroupList',
        apiVersion: 'v1',
        groups: [
          {
            name: 'authorization.k8s.io',
            versions: [AUTHORIZATION_VERSION],
            preferredVersion: AUTHORIZATION_VERSION,
          },
          { name: 'discovery.k8s.io', versions: [DISCOVERY_VERSION], preferredVersion: DISCOVERY_VERSION },
        ],
      }
    case '/apis/discovery.k8s.io':
      return {
        kind: 'APIGroup',
        apiVersion: 'v1',
        name: 'discovery.k8s.io',
        versions: [DISCOVERY_VERSION],
        preferredVersion: DISCOVERY_VERSION,
      }
    case '/apis/authorization.k8s.io':
      return {
        kind: 'APIGroup',
        apiVersion: 'v1',
        name: 'authorization.k8s.io',
        versions: [AUTHORIZATION_VERSION],
        preferredVersion: AUTHORIZATION_VERSION,
      }
    case '/apis/authorization.k8s.io/v1':
      return {
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: 'authorization.k8s.io/v1',
        resources: AUTHORIZATION,
      }
    case '/api/v1':
      return { kind: 'APIResourceList', groupVersion: 'v1', resources: CORE }
    case '/apis/discovery.k8s.io/v1':
      return {
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: 'discovery.k8s.io/v1',
        resources: DISCOVERY,
      }
    default:
      return undefined
  }
}

/** `version` as the cloud tells it: `1.35`. */
function versionInfo(version: string) {
  const [major = '', minor = ''] = version.split('.')
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: `v${version}.2-eks-3f9a1c7`,
    gitCommit: '3f9a1c7b20d84e5566f0a2c1b9d7e8430915ac6e',
    gitTreeState: 'clean',
    buildDate: '2026-09-18T03:11:42Z',
    goVersion: 'go1.25.4',
    compiler: 'gc',
    platform: 'linux/amd64',
  }
}
