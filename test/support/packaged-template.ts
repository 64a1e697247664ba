import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { packCli } from './packaged-cli.ts'

export interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string | readonly string[]
  readonly Resource: unknown
  readonly Condition?: unknown
}

export interface Resource {
  readonly Type: string
  readonly DeletionPolicy?: string
  // biome-ignore lint/suspicious/noExplicitAny: the properties of every type of resource.
  readonly Properties: any
}

const root = fileURLToPath(new URL('../..', import.meta.url))
export const WORKSPACE = 'paragon-acme-5d1f0c2e'
export const PARAMETERS = {
  workspace: WORKSPACE,
  installationId: `ins-${'ab'.repeat(16)}`,
  licenseSecret: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:acme',
  subnets: 'subnet-a,subnet-b',
  securityGroup: 'sg-1',
  topic: 'arn:aws:sns:eu-central-1:111122223333:alerts',
}

/** What `osls package` makes of `serverless.yml`, with no credentials. */
export class PackagedTemplate implements AsyncDisposable {
  readonly folder: string
  readonly resources: Readonly<Record<string, Resource>>

  private constructor(folder: string, resources: Readonly<Record<string, Resource>>) {
    this.folder = folder
    this.resources = resources
  }

  static async make(): Promise<PackagedTemplate> {
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-template-'))
    // Builds what is packaged, if it is not there.
    await using _cli = await packCli()
    const words = Object.entries(PARAMETERS).flatMap(([name, value]) => ['--param', `${name}=${value}`])
    await promisify(execFile)(
      process.execPath,
      [join(root, 'node_modules/.bin/osls'), 'package', '--package', folder, ...words],
      // No credentials and an empty home: what the template is depends on the sources alone.
      { cwd: root, env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: folder } },
    )
    const text = await readFile(join(folder, 'cloudformation-template-update-stack.json'), 'utf8')
    return new PackagedTemplate(folder, JSON.parse(text).Resources)
  }

  ofType(type: string): Resource[] {
    return Object.values(this.resources).filter(({ Type }) => Type === type)
  }

  named(name: string): Resource {
    const found = this.resources[name]
    assert.ok(found !== undefined, name)
    return found
  }

  /** What the policies within a role say. */
  statementsOf(role: string): Statement[] {
    return this.named(role).Properties.Policies.flatMap(
      (policy: { PolicyDocument: { Statement: Statement[] } }) => policy.PolicyDocument.Statement,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }
}

export function actionsOf({ Action }: Statement): readonly string[] {
  return typeof Action === 'string' ? [Action] : Action
}
