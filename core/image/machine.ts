import type { Place } from '#core/image/checks.ts'

/** What a check may ask of a tree or a machine. Paths begin with / and are those inside it. */

export interface Entry {
  readonly path: string
  readonly type: 'file' | 'folder' | 'link' | 'other'
  /** Permission bits, those of setuid, setgid and sticky included. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
}

export interface UnitState {
  readonly enabled: boolean
  readonly masked: boolean
  /** As systemd says; undefined where nothing runs. */
  readonly active: string | undefined
}

export interface Socket {
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
}

export interface Machine {
  readonly place: Place
  /** The text of a file, its links followed within the tree; undefined where there is none. */
  read(path: string): Promise<string | undefined>
  /** What is at a path, its last link not followed. */
  look(path: string): Promise<Entry | undefined>
  /** The names in a folder; none where there is no such folder. */
  list(path: string): Promise<string[]>
  /** All that there is on the root's file system. */
  walk(): Promise<readonly Entry[]>
  sha256(path: string): Promise<string>
  unit(name: string): Promise<UnitState | undefined>
  failedUnits(): Promise<string[]>
  /** Those that wait for others. */
  sockets(): Promise<Socket[]>
  /** What the kernel has; undefined where it has none of the name. */
  sysctl(name: string): Promise<string | undefined>
  /** What is mounted there now. */
  mountOptions(path: string): Promise<string[] | undefined>
  freeBytes(path: string): Promise<number>
}
