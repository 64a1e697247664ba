import type { Credentials } from '#core/tunnel/proxy/handshake.ts'

/** The two addresses of a proxy, with its password: a secret of this run. */
export function proxyUrls(address: string, port: number, { user, password }: Credentials) {
  const host = address.includes(':') ? `[${address}]` : address
  const at = `${user}:${password}@${host}:${port}`
  // With the h, names are looked up on the far side.
  return { socks: `socks5h://${at}`, http: `http://${at}` }
}

/** The variables by which programs find a proxy. curl reads http_proxy in small letters only. */
export function proxyEnvironment(urls: {
  readonly socks: string
  readonly http: string
}): Record<string, string> {
  const { socks, http } = urls
  return {
    ALL_PROXY: socks,
    all_proxy: socks,
    HTTP_PROXY: http,
    http_proxy: http,
    HTTPS_PROXY: http,
    https_proxy: http,
    NO_PROXY: '',
    no_proxy: '',
  }
}
