import * as z from 'zod'
import { readDocument } from '#core/installation/located-document.ts'

/**
 * `packer/tools.lock.json`: all that is downloaded for the image, each file with its digest. It is the only place
 * with versions: what is not in it is not in the image.
 */

export const ARCHITECTURES = ['amd64', 'arm64'] as const
export type Architecture = (typeof ARCHITECTURES)[number]

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a sha256 has 64 digits of 0-9 and a-f')
const fingerprint = z.string().regex(/^[0-9A-F]{40}$/, "a key's fingerprint has 40 digits of 0-9 and A-F")
const version = z.string().regex(/^\d[\w.+~:-]*$/, 'a version begins with a digit, and is never "latest"')
const licence = z.string().min(1)
const eachArchitecture = <T extends z.ZodType>(value: T) => z.strictObject({ amd64: value, arm64: value })

/** Null where nobody could fetch the file yet: a build refuses it, and `image lock --update` fills it. */
const digests = eachArchitecture(sha256.nullable())

const common = {
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.+-]*$/, 'a name is of small letters, digits, dots, pluses and dashes'),
  version,
  licence,
  /** What comes of it: of the file itself, or of the program that is built. */
  sha256: digests,
  /** The oldest that will do, and why. */
  atLeast: z.strictObject({ version, because: z.string().min(1) }).optional(),
}

/** A command of a Go module, built from its sources; the checksum database has signed the sum. */
const goTool = z.strictObject({
  ...common,
  from: z.literal('go'),
  url: z.string().regex(/^go:\S+@v\S+$/, 'the module and its version, as go:helm.sh/helm/v3@v3.20.2'),
  package: z.string().min(1),
  /** The folder of the module files that pin all that it stands on. */
  modules: z.string().min(1),
  stamps: z.array(z.string().regex(/^[\w./-]+=\S+$/)).default([]),
  signature: z.strictObject({
    kind: z.literal('go-checksum-database'),
    sum: z.string().regex(/^h1:\S{44}$/),
  }),
})

/** A file in a package of npm, which is pinned by the integrity that the registry gives for the whole package. */
const npmTool = z.strictObject({
  ...common,
  from: z.literal('npm'),
  url: eachArchitecture(z.string().regex(/^npm:(@[\w.-]+\/)?[\w.-]+@\d\S*$/, 'as npm:NAME@VERSION')),
  path: z.string().min(1),
  signature: z.strictObject({
    kind: z.literal('npm-integrity'),
    integrity: eachArchitecture(
      z
        .string()
        .regex(/^sha512-\S{88}$/)
        .nullable(),
    ),
  }),
})

/** A file of somebody's own host, with a detached OpenPGP signature beside it. */
const fileTool = z.strictObject({
  ...common,
  from: z.literal('file'),
  url: eachArchitecture(z.url({ protocol: /^https$/ })),
  signature: z.strictObject({
    kind: z.literal('openpgp'),
    /** The file with the signer's key, beside the lock. */
    key: z.string().min(1),
    /** Null where nobody has seen a key of the signer that is in force. */
    fingerprint: fingerprint.nullable(),
    suffix: z.string().regex(/^\.\w+$/),
  }),
})

const tool = z.discriminatedUnion('from', [goTool, npmTool, fileTool])

/** One package of the distribution, as its signed index has it. */
const distributionPackage = z.strictObject({
  name: z.string().min(1),
  version,
  /** Below the archive. */
  path: z.string().regex(/^pool\/\S+\.deb$/),
  sha256,
  size: z.number().int().positive(),
  /** Only on a disk that boots by itself, and not in the tree: the kernel and its loader. */
  boot: z.literal(true).optional(),
})

const lockSchema = z.strictObject({
  lock: z.literal(1),
  /** The minor version of the cluster's Kubernetes: kubectl may be one away. */
  kubernetes: z.string().regex(/^1\.\d+$/, 'a minor version, as 1.33'),
  /** The toolchain that the digests of programs built from source belong to. */
  go: version,
  tools: z.array(tool),
  distribution: z.strictObject({
    name: z.literal('debian'),
    suite: z.string().min(1),
    /** Who signs the indexes. */
    signedBy: z.array(fingerprint).min(1),
    keyring: z.string().min(1),
    /** What is wanted of it, each with the reason for it; the rest of `packages` is what that stands on. */
    wanted: z.record(z.string(), z.strictObject({ licence, for: z.string().min(1) })),
    wantedToBoot: eachArchitecture(z.array(z.string().min(1))),
    packages: eachArchitecture(z.array(distributionPackage)),
  }),
})

export type Lock = z.infer<typeof lockSchema>
export type Tool = Lock['tools'][number]
export type DistributionPackage = z.infer<typeof distributionPackage>

/** @throws PgctlError `config-invalid`, with the lines. */
export function parseLock(text: string, source: string): Lock {
  const lock = readDocument(text, lockSchema, {
    source,
    what: "the image's lock",
    known: [
      ...Object.keys(lockSchema.shape),
      ...[goTool, npmTool, fileTool].flatMap(({ shape }) => Object.keys(shape)),
      ...Object.keys(lockSchema.shape.distribution.shape),
      ...Object.keys(distributionPackage.shape),
    ],
  })
  return lock
}

/** The lock's own form: packages in one line each, so that a difference shows what changed and no more. */
export function formatLock(lock: Lock): string {
  const { packages, ...distribution } = lock.distribution
  const marked = {
    ...lock,
    distribution: { ...distribution, packages: { amd64: '@amd64', arm64: '@arm64' } },
  }
  const lines = (list: readonly DistributionPackage[]) =>
    list.length === 0
      ? '[]'
      : `[\n${list.map((item) => `        ${JSON.stringify(item)}`).join(',\n')}\n      ]`
  return `${JSON.stringify(marked, null, 2)
    .replace('"@amd64"', () => lines(packages.amd64))
    .replace('"@arm64"', () => lines(packages.arm64))}\n`
}
