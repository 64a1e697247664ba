/**
 * `portforward`: TCP connections into a pod. Every port has two channels, data and error, whose first message each
 * holds the port, little-endian; the pod's port is a service of the loopback.
 */

import { connect, type Socket } from 'node:net'
import { portOf, WORLD_SERVICES, type WorldPorts } from '#sandbox/world.ts'
import type { ChannelHandlers, ChannelSocket } from './channel-socket.ts'
import type { Pod } from './pods.ts'
import { badRequest } from './status.ts'

/** The ports of a request's query. Throws the kubelet's 400. */
export function forwardedPortsOf(query: URLSearchParams): number[] {
  const texts = query.getAll('ports').flatMap((text) => text.split(','))
  if (texts.length === 0) throw badRequest('query parameter "port" is required')
  return texts.map((text) => {
    const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
    if (Number.isNaN(port) || port > 65_535) throw badRequest(`unable to parse "${text}" as a port`)
    if (port === 0) throw badRequest('port 0 must be > 0')
    return port
  })
}

/** Connects one client to the ports of a pod; when all connections have ended, so does the WebSocket. */
export function servePortForward(
  channels: ChannelSocket,
  pod: Pod,
  ports: readonly number[],
  world: WorldPorts,
): ChannelHandlers {
  let open = ports.length
  const ended = () => {
    open -= 1
    if (open === 0) channels.close()
  }
  ports.forEach((port, index) => {
    const announcement = Buffer.alloc(2)
    announcement.writeUInt16LE(port)
    channels.send(2 * index, announcement)
    channels.send(2 * index + 1, announcement)
  })
  const sockets = ports.map((port, index) => {
    const loopbackPort = WORLD_SERVICES[pod.service].port === port ? portOf(pod.service, world) : undefined
    return forward(channels, pod, { port, index, loopbackPort }, ended)
  })
  return {
    onData(channel, data) {
      const socket = channel % 2 === 0 ? sockets[channel / 2] : undefined
      if (socket?.writable && !socket.write(data)) channels.pause()
    },
    onChannelEnd() {},
    onClose() {
      for (const socket of sockets) socket?.destroy()
    },
  }
}

interface Forwarded {
  readonly port: number
  readonly index: number
  readonly loopbackPort: number | undefined
}

function forward(
  channels: ChannelSocket,
  pod: Pod,
  { port, index, loopbackPort }: Forwarded,
  ended: () => void,
): Socket | undefined {
  const refuse = () => channels.send(2 * index + 1, Buffer.from(refusalOf(pod, port)))
  if (loopbackPort === undefined) {
    refuse()
    ended()
    return undefined
  }
  const socket = connect({ host: '127.0.0.1', port: loopbackPort, noDelay: true })
  socket.on('data', (data) => channels.send(2 * index, data, socket))
  socket.on('drain', () => channels.resume())
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') refuse()
  })
  socket.once('close', ended)
  return socket
}

/** The kubelet's words for a port on which the pod does not listen. */
function refusalOf(pod: Pod, port: number): string {
  const inside = `failed to connect to localhost:${port} inside namespace "${pod.run?.id.slice(-64) ?? ''}"`
  const refused = (address: string, kind: string) =>
    `dial ${kind} ${address}:${port}: connect: connection refused`
  return (
    `error forwarding port ${port} to pod ${pod.name}, uid ${pod.uid}: failed to execute portforward in network ` +
    `namespace "/var/run/netns/cni-${pod.uid}": ${inside}, IPv4: ${refused('127.0.0.1', 'tcp4')} ` +
    `IPv6 ${refused('[::1]', 'tcp6')}`
  )
}
