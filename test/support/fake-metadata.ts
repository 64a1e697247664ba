/**
 * The metadata of an instance, on the link-local address that a test has given to a network of its own, and beside it
 * hosts that take connections, so that a test can tell a way that is open from one that is shut:
 * `fake-metadata.ts FILE`, which maps further paths to what is told there, and may change meanwhile.
 */

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createPlainServer } from 'node:net'

const [file = ''] = process.argv.slice(2)
const TOKEN = 'a-token-of-the-test'
const documents = new Map([
  ['/latest/meta-data/mac', '02:00:00:00:00:01'],
  ['/latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks', '10.20.0.0/16'],
  ['/latest/meta-data/iam/security-credentials/', 'the-role-of-the-instance'],
])

function documentAt(path: string): string | undefined {
  const more = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  return more[path] ?? documents.get(path)
}

createServer((request, response) => {
  if (request.method === 'PUT' && request.url === '/latest/api/token') {
    // The time that was asked for comes back: some clients take no token without it.
    const name = 'x-aws-ec2-metadata-token-ttl-seconds'
    return response.setHeader(name, request.headers[name] ?? '').end(TOKEN)
  }
  // Version 2 only, as the launch template asks.
  if (request.headers['x-aws-ec2-metadata-token'] !== TOKEN) return response.writeHead(401).end()
  const document = documentAt(request.url ?? '')
  if (document === undefined) return response.writeHead(404).end()
  response.end(document)
}).listen(80, '169.254.169.254', () => process.stdout.write('ready\n'))

for (const host of ['10.20.0.9', '10.30.0.9', '10.40.0.9'])
  for (const port of [22, 443, 5432]) createPlainServer((socket) => socket.end('here\n')).listen(port, host)
