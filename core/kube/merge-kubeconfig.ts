import { type Document, isMap, isSeq, parseDocument, stringify } from 'yaml'
import { PgctlError } from '#core/errors.ts'

/** The lists of a kubeconfig, each of entries with a name. */
const LISTS = ['clusters', 'users', 'contexts'] as const

/** A kubeconfig as far as merging is concerned. */
export interface NamedKubeconfig {
  readonly 'current-context': string
  readonly clusters: readonly { readonly name: string }[]
  readonly users: readonly { readonly name: string }[]
  readonly contexts: readonly { readonly name: string }[]
}

/**
 * A person's kubeconfig (`text`, which may be empty) with the entries of `ours`; those of the same names are exchanged.
 * Everything else stays as it is, comments included; the current context only changes where `use` says so.
 * @throws PgctlError `state-invalid`, naming `path`, for a file that is no kubeconfig: it is not touched then.
 */
export function mergeKubeconfig(
  text: string,
  ours: NamedKubeconfig,
  { use, path }: { readonly use: boolean; readonly path: string },
): string {
  const document = text.trim() === '' ? emptyKubeconfig() : parseDocument(text)
  refuseOthers(document, path)
  for (const list of LISTS) {
    if (!isSeq(document.get(list))) document.set(list, document.createNode([]))
    for (const entry of ours[list]) putEntry(document, list, entry)
  }
  if (use) document.set('current-context', ours['current-context'])
  return document.toString({ lineWidth: 0 })
}

/** A kubeconfig as text. */
export function printKubeconfig(config: NamedKubeconfig): string {
  return stringify(config, { lineWidth: 0 })
}

function emptyKubeconfig(): Document.Parsed {
  return parseDocument('apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n')
}

function putEntry(document: Document.Parsed, list: string, entry: { readonly name: string }): void {
  const entries = document.get(list)
  if (!isSeq(entries)) return
  // A list in one line would have all of ours in that line, too.
  if (entries.items.length === 0) entries.flow = false
  const node = document.createNode(entry)
  const at = entries.items.findIndex((item) => isMap(item) && item.get('name') === entry.name)
  if (at === -1) entries.items.push(node)
  else entries.items[at] = node
}

function refuseOthers(document: Document.Parsed, path: string): void {
  const [error] = document.errors
  const isEmpty = document.contents === null
  if (isEmpty) document.contents = emptyKubeconfig().contents as typeof document.contents
  const why =
    error !== undefined
      ? `it is no YAML: ${error.message.split('\n')[0]?.replace(/:$/, '')}`
      : !isMap(document.contents)
        ? 'it holds no names with values'
        : LISTS.map((list) => document.get(list)).some(
              (value) => value !== undefined && value !== null && !isSeq(value),
            )
          ? 'its clusters, users or contexts are no lists'
          : undefined
  if (why === undefined) return
  throw new PgctlError('state-invalid', `nothing can be merged into ${path}`, {
    why,
    next: 'mend it, or leave it alone and write another: pgctl kubeconfig --write FILE',
  })
}
