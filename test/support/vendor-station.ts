import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#core/io/system-clock.ts'
import { createAuthority } from '#sandbox/certificates.ts'
import { type Customer, customerOf } from '#sandbox/vendor/customers.ts'
import { Vendor } from '#sandbox/vendor/vendor.ts'
import { RELEASE_VARIABLE } from './vendor-cli.ts'

/** A vendor on loopback, and the variables with which the CLI that tests build is of its release. */
export interface VendorStation extends AsyncDisposable {
  readonly vendor: Vendor
  readonly environment: Readonly<Record<string, string>>
}

export async function startVendorStation(changes: Partial<Customer> = {}): Promise<VendorStation> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-vendor-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const authority = await createAuthority()
  const bundle = join(folder, 'vendor-authority.pem')
  await writeFile(bundle, authority.certificate)
  const vendor = parts.use(
    await Vendor.start({
      clock: systemClock,
      customers: [customerOf(systemClock.now().wall, changes)],
      tls: await authority.issue({ names: ['localhost'] }),
    }),
  )
  const running = parts.move()
  return {
    vendor,
    environment: {
      [RELEASE_VARIABLE]: JSON.stringify(vendor.release()),
      AWS_CA_BUNDLE: bundle,
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
