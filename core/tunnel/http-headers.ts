/** The headers that a request and its answer have on the way through a tunnel's front. */

/** Those of one connection, which end with it (RFC 9110, 7.6.1); framing is kept, and made anew as it was. */
const OF_ONE_CONNECTION = new Set([
  ...[
    'connection',
    'keep-alive',
    'proxy-connection',
    'proxy-authenticate',
    'proxy-authorization',
    'te',
    'upgrade',
  ],
])

/** `raw` are names and values by turns, as they came. */
export function forFarEnd(raw: readonly string[], connection: 'keep-alive' | 'upgrade'): string[] {
  const upgrade = connection === 'upgrade' ? valuesOf(raw, 'upgrade') : []
  return [
    ...kept(raw, () => true),
    ...(upgrade.length > 0
      ? ['Connection', 'Upgrade', 'Upgrade', upgrade.join(', ')]
      : ['Connection', 'keep-alive']),
  ]
}

/** Cookies are for the host that was asked alone. `how` says what becomes of the connection if that is not the client's choice. */
export function forBrowser(raw: readonly string[], how?: 'upgrade' | 'close'): string[] {
  const headers = kept(raw, (name) => how !== 'close' || name !== 'transfer-encoding')
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]?.toLowerCase() === 'set-cookie') headers[i + 1] = withoutDomain(headers[i + 1] ?? '')
  const closes = valuesOf(raw, 'connection').some((value) => /\bclose\b/i.test(value))
  if (how === 'upgrade') headers.push('Connection', 'Upgrade', 'Upgrade', valuesOf(raw, 'upgrade').join(', '))
  else if (how === 'close' || closes) headers.push('Connection', 'close')
  return headers
}

/**
 * The same cookie for the host that was asked and no other. A service far away names a domain of its own, for which a
 * browser would not take it here; and one of this installation would go to its other services, too.
 */
export function withoutDomain(setCookie: string): string {
  return setCookie.replaceAll(/;\s*domain\s*(?:=[^;]*)?(?=;|$)/gi, '')
}

/** What a refused request is answered with. */
export function refusalPage({ why, maySayYes }: { readonly why: string; readonly maySayYes: boolean }): {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
} {
  const text = `pgctl has refused this request: ${why}.`
  // The link leads to the address that it stands at: whoever clicks it asks by themselves.
  const body = maySayYes
    ? `<!doctype html><meta charset="utf-8"><title>Refused</title><p>${escaped(text)}</p><p><a href="">Open it all the same</a></p>\n`
    : `${text}\n`
  return {
    headers: {
      'content-type': maySayYes ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8',
      'content-length': String(new TextEncoder().encode(body).length),
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
    },
    body,
  }
}

function kept(raw: readonly string[], keeps: (name: string) => boolean): string[] {
  const named = valuesOf(raw, 'connection').flatMap((value) => value.toLowerCase().split(/\s*,\s*/))
  const headers: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const [name = '', value = ''] = raw.slice(i, i + 2)
    const lower = name.toLowerCase()
    if (!OF_ONE_CONNECTION.has(lower) && !named.includes(lower) && keeps(lower)) headers.push(name, value)
  }
  return headers
}

function valuesOf(raw: readonly string[], wanted: string): string[] {
  return raw.filter((_, i) => i % 2 === 1 && raw[i - 1]?.toLowerCase() === wanted)
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
