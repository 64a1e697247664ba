/** What a kubeconfig of one cluster is made of. */
export interface KubeconfigParts {
  /** Of the context, the cluster and the user alike: `pgctl-acme`. */
  readonly name: string
  /** `https://127.0.0.1:PORT`: the near end of a tunnel. */
  readonly server: string
  /** The name that the certificate must bear. */
  readonly tlsServerName: string
  /** PEM. */
  readonly ca: string
  readonly namespace: string
  /** The program that prints a token, with its words. */
  readonly plugin: readonly [command: string, ...args: string[]]
  /** What the plugin sees beside the environment of its client. */
  readonly environment?: Readonly<Record<string, string>> | undefined
}

const EXEC_API = 'client.authentication.k8s.io/v1'

/**
 * A kubeconfig that leads through a tunnel to one cluster: the certificate is checked against the real name, and
 * the token comes from an exec plugin, so that it is in no file and is renewed when it ends.
 */
export function kubeconfig(parts: KubeconfigParts): object {
  const { name, server, tlsServerName, ca, namespace, plugin, environment = {} } = parts
  const [command, ...args] = plugin
  const env = Object.entries(environment).map(([name, value]) => ({ name, value }))
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    clusters: [
      {
        name,
        cluster: {
          server,
          'tls-server-name': tlsServerName,
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
        },
      },
    ],
    users: [
      {
        name,
        user: {
          exec: {
            ...{ apiVersion: EXEC_API, command, args, interactiveMode: 'Never', provideClusterInfo: false },
            ...(env.length > 0 ? { env } : {}),
          },
        },
      },
    ],
  }
}

/** What an exec plugin prints: a token, and when it stops being good (milliseconds since the epoch). */
export function execCredential({
  value,
  expires,
}: {
  readonly value: string
  readonly expires: number
}): object {
  // Clients read whole seconds; one that is told too late would use a token that has ended.
  const whole = Math.floor(expires / 1000) * 1000
  return {
    apiVersion: EXEC_API,
    kind: 'ExecCredential',
    status: { token: value, expirationTimestamp: new Date(whole).toISOString().replace('.000Z', 'Z') },
  }
}
