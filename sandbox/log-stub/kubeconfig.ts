/** How other people's programs find the stub: a kubeconfig, and the token, which may come to be another. */

import { STUB_NAMESPACE } from './pod-object.ts'

export interface KubeconfigParts {
  readonly server: string
  /** The authority's certificate, PEM; undefined for plain HTTP. */
  readonly ca: string | undefined
  readonly token: string
  /** Where the token's credential is kept, when it may expire: clients then ask for it anew. */
  readonly credential: string | undefined
}

/** A kubeconfig is YAML, and JSON is YAML. */
export function kubeconfigOf({ server, ca, token, credential }: KubeconfigParts): string {
  const cluster = {
    server,
    ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
  }
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'cat',
    args: [credential],
    interactiveMode: 'Never',
  }
  return `${JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'stub', cluster }],
      users: [{ name: 'stub', user: credential === undefined ? { token } : { exec } }],
      contexts: [{ name: 'stub', context: { cluster: 'stub', user: 'stub', namespace: STUB_NAMESPACE } }],
      'current-context': 'stub',
    },
    undefined,
    2,
  )}\n`
}

/** What a credential plugin prints. */
export function credentialOf(token: string): string {
  return `${JSON.stringify({
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token },
  })}\n`
}
