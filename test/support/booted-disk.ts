import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { NOT_IN_THE_TREE } from '../peers/recipes.ts'
import { architecture, cachedTree, layerOver, provisionAnew, putParts, root } from './image-tree.ts'
import type { Outside } from './outside-network.ts'
import { packCli } from './packaged-cli.ts'
import { programOf } from './peers.ts'

/** The disk of the image, made by the script that makes it on the throw-away instance, and a machine that boots it. */

const run = promisify(execFile)
const MIB = 1024 ** 2
const DISK_MIB = 2_560
const MEMORY_MIB = 1_024

export interface Disk extends AsyncDisposable {
  readonly file: string
  /** The digest of its tree's manifest. */
  readonly digest: string
}

export interface DiskOptions {
  /** Checks of the gate that what is not in the tree cannot pass. */
  readonly skip: readonly string[]
  /** A package of the vendor's agent, which is put in before. */
  readonly agent?: string
}

export async function makeDisk({ skip, agent }: DiskOptions): Promise<Disk> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-disk-'))
  const file = join(folder, 'disk.img')
  await using parts = new AsyncDisposableStack()
  try {
    const tree = parts.use(await layerOver(cachedTree()))
    if (agent !== undefined) await provisionAnew(tree.root, folder, agent)
    await putParts(parts.use(await packCli()), folder)
    await writeFile(file, '')
    await truncate(file, DISK_MIB * MIB)
    const device = (await run('losetup', ['--find', '--show', '--partscan', file])).stdout.trim()
    parts.defer(async () => void (await run('losetup', ['--detach', device])))
    const environment = {
      ...process.env,
      PGCTL_PREPARED: '1',
      PGCTL_TREE: tree.root,
      PGCTL_WITHOUT: NOT_IN_THE_TREE.join(' '),
      PGCTL_SKIP: skip.join(' '),
    }
    const words = [folder, device, architecture]
    const { stdout } = await run(join(root, 'packer/build/on-instance.sh'), words, { env: environment })
    return {
      file,
      digest: stdout.trim(),
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

export interface Answer {
  readonly status: number
  readonly said: string
}

export interface Boot {
  readonly answers: ReadonlyMap<string, Answer>
  /** What came over its first serial line. */
  readonly console: string
}

/**
 * Boots a disk by its firmware in an emulated machine, whose network is the one outside. When it has come up it is asked
 * `questions`, commands by name, and then turned off. What asks is no part of the disk: systemd takes units from
 * credentials of the hypervisor, as long as nobody has it measured otherwise. `more` are further credentials.
 */
export async function bootDisk(
  { file }: Disk,
  outside: Outside,
  questions: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): Promise<Boot> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-machine-'))
  const place = (name: string) => join(folder, name)
  try {
    await copyFile('/usr/share/OVMF/OVMF_VARS_4M.fd', place('variables'))
    const strings: string[] = []
    for (const [name, text] of Object.entries({ ...credentialsFor(questions), ...more })) {
      const value = `io.systemd.credential.binary:${name}=${Buffer.from(text).toString('base64')}`
      await writeFile(place(name), value)
      strings.push('-smbios', `type=11,path=${place(name)}`)
    }
    const words = [
      // A /dev/kvm inside of other machines may take a machine and never run it: no luck is tried.
      ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max'],
      ...['-smp', '2', '-m', `${MEMORY_MIB}`, '-nodefaults', '-display', 'none', '-no-reboot'],
      ...['-drive', `if=pflash,format=raw,readonly=on,file=${programOf('ovmf')}`],
      ...['-drive', `if=pflash,format=raw,file=${place('variables')}`],
      // What is written is gone with the machine.
      ...['-drive', `if=none,id=root,format=raw,snapshot=on,file=${file}`],
      ...['-device', 'nvme,drive=root,serial=pgctl'],
      ...['-netdev', `tap,id=net,ifname=${await outside.tap()},script=no,downscript=no`],
      ...['-device', 'virtio-net-pci,netdev=net,romfile='],
      ...['-serial', `file:${place('console')}`, '-serial', `file:${place('answers')}`],
      ...strings,
    ]
    const [program = '', ...line] = [...outside.enter, programOf('qemu-system-x86_64'), ...words]
    const machine = spawn(program, line, { stdio: ['ignore', 'ignore', 'pipe'] })
    let complaints = ''
    machine.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints += text
    })
    const [status] = await once(machine, 'exit')
    const console = await readFile(place('console'), 'latin1')
    if (status !== 0)
      throw new Error(`the machine ends with ${status}: ${complaints}${console.slice(-2_000)}`)
    return { answers: readAnswers(await readFile(place('answers'), 'utf8')), console }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const ASKS = 'pgctl-test-asks'

/** A unit that multi-user.target wants, and what it runs. */
function credentialsFor(questions: Readonly<Record<string, string>>): Record<string, string> {
  const script = [
    'answer() { jq -cnM --arg name "$1" --argjson status "$2" --arg said "$3" \'$ARGS.named\' >/dev/ttyS1; }',
    'systemctl is-system-running --wait >/dev/null',
    ...Object.entries(questions).map(
      ([name, command]) => `said=$(${command} 2>&1); answer ${name} $? "$said"`,
    ),
    'systemctl --no-block poweroff',
  ]
  return {
    [`${ASKS}.script`]: `${script.join('\n')}\n`,
    // Not oneshot: the boot is over although this has not ended.
    [`systemd.extra-unit.${ASKS}.service`]: `[Service]
Type=exec
ImportCredential=${ASKS}.script
ExecStart=/bin/bash %d/${ASKS}.script
`,
    'systemd.unit-dropin.multi-user.target': `[Unit]\nWants=${ASKS}.service\n`,
  }
}

function readAnswers(text: string): ReadonlyMap<string, Answer> {
  const lines = text.split(/\r?\n/).filter((line) => line.startsWith('{'))
  return new Map(
    lines.map((line) => {
      const { name, status, said } = JSON.parse(line) as Answer & { name: string }
      return [name, { status, said }]
    }),
  )
}
