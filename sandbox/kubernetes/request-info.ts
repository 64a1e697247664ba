/** What a request asks for, read from its method and path as the API server's authorizer does. */

export interface Attributes {
  readonly path: string
  readonly verb: string
  /** The empty group is the core one. */
  readonly group: string
  readonly version: string
  /** Absent for paths that name no resource, as /version. */
  readonly resource?: string
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
}

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** Reads method, path and query of a request. */
export function attributesOf(method: string, url: URL): Attributes {
  const path = url.pathname
  const parts = path.split('/').filter((part) => part !== '')
  const inGroup = parts[0] === 'apis'
  const rest = parts.slice(inGroup ? 3 : 2).map(decodePart)
  const reading = method === 'GET' || method === 'HEAD'
  if ((parts[0] !== 'api' && !inGroup) || rest.length === 0)
    return { path, verb: reading ? 'get' : method.toLowerCase(), group: '', version: '' }

  // "namespaces/NAME" alone is that namespace; with more behind it, the place of what follows.
  const inNamespace = rest[0] === 'namespaces' && rest.length > 2
  const [resource = '', name, subresource] = inNamespace ? rest.slice(2) : rest
  const namespace = inNamespace || resource === 'namespaces' ? rest[1] : undefined
  return {
    path,
    verb: reading ? readingVerb(url, name) : changingVerb(method, name),
    group: inGroup ? (parts[1] ?? '') : '',
    version: (inGroup ? parts[2] : parts[1]) ?? '',
    resource,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(subresource !== undefined && { subresource }),
  }
}

function changingVerb(method: string, name: string | undefined): string {
  if (method === 'DELETE' && name === undefined) return 'deletecollection'
  return VERBS[method] ?? method.toLowerCase()
}

function readingVerb(url: URL, name: string | undefined): string {
  if (name !== undefined) return 'get'
  return isTrue(url.searchParams.get('watch')) ? 'watch' : 'list'
}

/** Whether a query parameter switches something on, as the API server reads it: by being there, but for 0 and false. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
