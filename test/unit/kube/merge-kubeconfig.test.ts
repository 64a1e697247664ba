import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { isPgctlError } from '#core/errors.ts'
import { kubeconfig } from '#core/kube/kubeconfig.ts'
import { mergeKubeconfig, type NamedKubeconfig } from '#core/kube/merge-kubeconfig.ts'

const ours = (server = 'https://127.0.0.1:20001') =>
  kubeconfig({
    ...{ name: 'pgctl-acme', server, tlsServerName: 'api.example', ca: 'CA', namespace: 'paragon' },
    plugin: ['pgctl', 'cluster-token'],
    environment: { PGCTL_CONFIG: '/home/me/config.yaml' },
  }) as NamedKubeconfig
const merge = (text: string, use = false, config = ours()) =>
  mergeKubeconfig(text, config, { use, path: 'config' })

const THEIRS = `# mine, by hand
apiVersion: v1
kind: Config
current-context: home
clusters:
  - name: home # the little one
    cluster: { server: https://10.0.0.1:6443 }
users:
  - name: me
    user:
      token: abc
contexts:
  - name: home
    context: { cluster: home, user: me }
preferences: {}
`

describe('merging a kubeconfig', { timeout: 10_000 }, () => {
  it('adds ours, and leaves everything else as it is, comments included', () => {
    const merged = merge(THEIRS)
    const before = parse(THEIRS)
    const { clusters, users, contexts, ...rest } = parse(merged)
    const { clusters: _, users: __, contexts: ___, ...untouched } = before
    assert.deepEqual(rest, untouched)
    assert.deepEqual(clusters, [...before.clusters, ...ours().clusters])
    assert.deepEqual(users, [...before.users, ...ours().users])
    assert.deepEqual(contexts, [...before.contexts, ...ours().contexts])
    for (const line of THEIRS.split('\n').filter((text) => text !== ''))
      assert.ok(merged.includes(line), line)
  })

  it('exchanges entries of the same name, and a second time changes nothing', () => {
    const once = merge(THEIRS)
    assert.equal(merge(once), once)
    const moved = parse(merge(once, false, ours('https://127.0.0.1:20002')))
    assert.deepEqual(
      moved.clusters.map(({ cluster }: { cluster: { server: string } }) => cluster.server),
      ['https://10.0.0.1:6443', 'https://127.0.0.1:20002'],
    )
  })

  it('makes it the current context only when asked', () => {
    assert.equal(parse(merge(THEIRS))['current-context'], 'home')
    assert.equal(parse(merge(THEIRS, true))['current-context'], 'pgctl-acme')
  })

  for (const [why, text] of [
    ['nothing', ''],
    ['a comment', '# none yet\n'],
    ['empty lists', 'apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n'],
    [
      'lists without a value, as kubectl writes them',
      'apiVersion: v1\nkind: Config\nclusters: null\nusers: null\ncontexts: null\n',
    ],
  ] as const)
    it(`begins with ${why}`, () => {
      const { clusters, users, contexts } = parse(merge(text))
      assert.deepEqual(
        { clusters, users, contexts },
        {
          clusters: ours().clusters,
          users: ours().users,
          contexts: ours().contexts,
        },
      )
    })

  for (const [why, text] of [
    ['no YAML', 'clusters: [\n'],
    ['a list', '- a\n'],
    ['clusters that are no list', 'clusters: {}\n'],
  ] as const)
    it(`refuses ${why}`, () =>
      assert.throws(
        () => merge(text),
        (error) => isPgctlError(error, 'state-invalid'),
      ))
})
