import type { DistributionPackage } from '#core/image/lock.ts'

/** What apt prints, read. */

/** The packages that a simulated installation would bring: name and version. */
export function installedBy(simulation: string): { name: string; version: string }[] {
  return [...simulation.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+) /gm)].map(
    ([, name = '', version = '']) => ({
      name: name.replace(/:\w+$/, ''),
      version,
    }),
  )
}

/** Records of `apt-cache show`, without what was marked as of the boot. */
export function packageRecords(text: string): Omit<DistributionPackage, 'boot'>[] {
  return text
    .split(/\n\n+/)
    .filter((record) => record.trim() !== '')
    .map((record) => {
      const fields = new Map(
        [...record.matchAll(/^([A-Za-z0-9-]+): (.*)$/gm)].map(([, name, value]) => [name, value]),
      )
      const field = (name: string) => fields.get(name) ?? ''
      return {
        name: field('Package'),
        version: field('Version'),
        path: field('Filename'),
        sha256: field('SHA256'),
        size: Number(field('Size')),
      }
    })
}

/** The archives that this computer's apt is set up with, by what they are. */
export function archivesOf(targets: string, name: string): { main: string; security: string } | undefined {
  const places = [...new Set(targets.split('\n').map((line) => line.trim().replace(/\/$/, '')))]
  const main = places.find((place) => place.endsWith(`/${name}`))
  const security = places.find((place) => place.endsWith(`/${name}-security`))
  return main !== undefined && security !== undefined ? { main, security } : undefined
}
