import type { LogField, LogRecord } from '#core/logs/record.ts'

/** `10.0.1.7 - ada [23/Nov/2026:07:32:39 +0000] "GET /x HTTP/1.1" 200 512 "-" "curl/8"`: common and combined. */
const LINE =
  /^(\S+) \S+ (\S+) \[\d\d\/\w{3}\/\d{4}:[^\]]+\] "([A-Z]+ \S+) [^"]*" (\d{3}) (\d+|-)(?: "([^"]*)" "([^"]*)")?(?: (.*))?$/s

/** The access log of a web server; a server's fault is an error, a client's a warning. */
export function parseAccess(text: string): LogRecord | undefined {
  const match = LINE.exec(text)
  if (match === null) return undefined
  const [, client, user, request, status, bytes, referer, agent, rest] = match
  const candidates: ReadonlyArray<readonly [string, string | undefined]> = [
    ['client', client],
    ['user', user],
    ['bytes', bytes],
    ['referer', referer],
    ['agent', agent],
    ['more', rest],
  ]
  const fields = candidates.filter((field): field is LogField => field[1] !== undefined && field[1] !== '-')
  return {
    format: 'access',
    level: Number(status) >= 500 ? 'error' : Number(status) >= 400 ? 'warn' : 'info',
    message: `${request} ${status}`,
    fields,
    trace: undefined,
  }
}
