/**
 * The metadata of an instance, on the link-local address that a test has given to a network of its own, and beside it
 * hosts that take connections, so that a test can tell a way that is open from one that is shut.
 */

import { createServer } from 'node:http'
import { createServer as createPlainServer } from 'node:net'

const [userData] = process.argv.slice(2)
const TOKEN = 'a-token-of-the-test'
const documents = new Map([
  ['/latest/meta-data/mac', '02:00:00:00:00:01'],
  ['/latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks', '10.20.0.0/16'],
  ['/latest/meta-data/instance-id', 'i-0a1b2c3d4e5f60718'],
  ['/latest/meta-data/iam/security-credentials/', 'the-role-of-the-instance'],
  ['/latest/meta-data/iam/security-credentials/the-role-of-the-instance', credentials()],
])
if (userData !== undefined) documents.set('/latest/user-data', userData)

createServer((request, response) => {
  if (request.method === 'PUT' && request.url === '/latest/api/token') return response.end(TOKEN)
  // Version 2 only, as the launch template asks.
  if (request.headers['x-aws-ec2-metadata-token'] !== TOKEN) return response.writeHead(401).end()
  const document = documents.get(request.url ?? '')
  if (document === undefined) return response.writeHead(404).end()
  response.end(document)
}).listen(80, '169.254.169.254', () => process.stdout.write('ready\n'))

for (const host of ['10.20.0.9', '10.30.0.9', '10.40.0.9'])
  for (const port of [22, 443, 5432]) createPlainServer((socket) => socket.end('here\n')).listen(port, host)

/** Keys that nobody knows, as a role has them. */
function credentials(): string {
  const expiration = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, '')
  return JSON.stringify({
    ...{ Code: 'Success', Type: 'AWS-HMAC', LastUpdated: '2026-01-01T00:00:00Z', Expiration: expiration },
    ...{ AccessKeyId: 'ASIAEXAMPLE', SecretAccessKey: 'of-nobody', Token: 'of-nobody' },
  })
}
