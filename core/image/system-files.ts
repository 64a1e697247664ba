/** Files that describe a system, read. */

/** Installed packages by name, of dpkg's `status`. */
export function installedPackages(status: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const record of status.split(/\n\n+/)) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(record)?.[1]
    const [name, version] = [field('Package'), field('Version')]
    const isInstalled = field('Status')?.endsWith(' installed') ?? false
    if (name !== undefined && version !== undefined && isInstalled) found.set(name, version)
  }
  return found
}

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly shell: string
}

export function accountsOf(passwd: string): Account[] {
  return lines(passwd).map((line) => {
    const [name = '', , uid, gid, , , shell = ''] = line.split(':')
    return { name, uid: Number(uid), gid: Number(gid), shell }
  })
}

/** Accounts of `shadow` that some password opens, or that need none. */
export function openAccounts(shadow: string): string[] {
  return lines(shadow).flatMap((line) => {
    const [name = '', password = ''] = line.split(':')
    return /^[!*]/.test(password) ? [] : [name]
  })
}

/** Settings of the kernel, of files of `sysctl.d` in the order in which they are read. */
export function sysctlSettings(files: readonly string[]): Map<string, string> {
  const settings = new Map<string, string>()
  for (const line of files.flatMap(lines)) {
    const [, name, value] = /^-?\s*([\w./*-]+)\s*=\s*(.*)$/.exec(line) ?? []
    if (name !== undefined) settings.set(name.replaceAll('/', '.'), (value ?? '').trim())
  }
  return settings
}

/** Options of a mount in `fstab`. */
export function fstabOptions(fstab: string, path: string): string[] | undefined {
  const fields = lines(fstab).map((line) => line.split(/\s+/))
  return fields.find(([, where]) => where === path)?.[3]?.split(',')
}

/** Options of what is mounted at a path, of `/proc/self/mountinfo`; the last mount is on top. */
export function mountedOptions(mountinfo: string, path: string): string[] | undefined {
  const fields = lines(mountinfo).map((line) => line.split(' '))
  return fields.findLast((words) => words[4] === path)?.[5]?.split(',')
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}
