/**
 * `exec`: runs the command as a child process of the sandbox, with an environment of its own making. The pod is
 * pretended; the process is real and has the rights of whoever started the sandbox, who alone knows its tokens.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import type { ChannelHandlers, ChannelSocket } from './channel-socket.ts'
import type { Pod } from './pods.ts'
import { isTrue } from './request-info.ts'
import { badRequest } from './status.ts'

const STDIN = 0
const STDOUT = 1
const STDERR = 2
const STATUS = 3

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGTERM: 15,
}

export interface ExecOptions {
  readonly command: readonly string[]
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  /** Joins standard error to standard output, as a terminal does; there is no terminal behind it. */
  readonly tty: boolean
}

/** Reads the query of an exec request. Throws the API server's 400. */
export function execOptionsOf(query: URLSearchParams, pod: Pod): ExecOptions {
  const container = query.get('container') || pod.container
  if (container !== pod.container) throw badRequest(`container ${container} is not valid for pod ${pod.name}`)
  const command = query.getAll('command')
  if (command.length === 0) throw badRequest('you must specify at least one command for the container')
  const options = {
    command,
    stdin: isTrue(query.get('stdin')),
    stdout: isTrue(query.get('stdout')),
    stderr: isTrue(query.get('stderr')),
    tty: isTrue(query.get('tty')),
  }
  if (!options.stdin && !options.stdout && !options.stderr)
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr')
  return options
}

/** Runs the command for one client; it is killed, with its children, when the client goes. */
export function serveExec(channels: ChannelSocket, pod: Pod, options: ExecOptions): ChannelHandlers {
  const [program = '', ...args] = options.command
  const child = spawn(program, args, {
    cwd: tmpdir(),
    detached: true,
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOSTNAME: pod.name,
      HOME: '/',
      KUBERNETES_SERVICE_HOST: '172.20.0.1',
      KUBERNETES_SERVICE_PORT: '443',
    },
  })
  // The kubelet says so that the client knows that the command has been started.
  channels.send(options.stdout ? STDOUT : STDERR, new Uint8Array())
  child.stdin.on('error', () => child.stdin.destroy())
  child.stdin.on('drain', () => channels.resume())
  if (!options.stdin) child.stdin.end()
  passOn(channels, child, options)
  reportEnd(channels, child, options)
  return {
    onData(channel, data) {
      if (channel === STDIN && child.stdin.writable && !child.stdin.write(data)) channels.pause()
    },
    onChannelEnd(channel) {
      if (channel === STDIN) child.stdin.end()
    },
    onClose: () => killGroup(child),
  }
}

function passOn(channels: ChannelSocket, child: ChildProcessWithoutNullStreams, options: ExecOptions): void {
  const { stdout, stderr } = child
  stdout.on('data', (data: Buffer) => options.stdout && channels.send(STDOUT, data, stdout))
  const errorChannel = options.tty ? STDOUT : STDERR
  const wanted = options.tty ? options.stdout : options.stderr
  stderr.on('data', (data: Buffer) => wanted && channels.send(errorChannel, data, stderr))
}

function reportEnd(
  channels: ChannelSocket,
  child: ChildProcessWithoutNullStreams,
  options: ExecOptions,
): void {
  const finish = (status: object) => {
    channels.send(STATUS, Buffer.from(JSON.stringify({ metadata: {}, ...status })))
    channels.close()
  }
  child.once('error', (error: NodeJS.ErrnoException) => finish(startFailure(options, error)))
  child.once('close', (code, signal) => {
    if (child.pid === undefined) return
    finish(endStatus(options, code ?? 128 + (SIGNAL_NUMBERS[signal ?? ''] ?? 0)))
  })
}

function endStatus(options: ExecOptions, code: number): object {
  if (code === 0) return { status: 'Success' }
  const command = options.command.join(' ')
  return {
    status: 'Failure',
    message: `command terminated with non-zero exit code: error executing command [${command}], exit code ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  }
}

/** What the container runtime says of a program that it cannot start. */
function startFailure(options: ExecOptions, error: NodeJS.ErrnoException): object {
  const why =
    error.code === 'ENOENT'
      ? 'executable file not found in $PATH'
      : `permission denied (${error.code ?? 'error'})`
  const message =
    'error executing command in container: failed to exec in container: failed to start exec: OCI runtime exec ' +
    `failed: exec failed: unable to start container process: exec: "${options.command[0]}": ${why}: unknown`
  return {
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  }
}

function killGroup(child: ChildProcessWithoutNullStreams): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group ended by itself between the look and the signal.
  }
}
