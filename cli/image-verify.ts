import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, PgctlError } from '#core/errors.ts'
import { type Check, type Place, parseChecks } from '#core/image/checks.ts'
import { RunningMachine } from '#core/image/io/running.ts'
import { Tree } from '#core/image/io/tree.ts'
import { type Judgement, judgeMachine } from '#core/image/judge-check.ts'
import { RECORD } from '#core/image/manifest.ts'
import { checkFolder } from './image-commands.ts'

export interface VerifyWishes {
  readonly tree?: string | undefined
  readonly checks?: string | undefined
  readonly only?: readonly string[] | undefined
  readonly skip?: readonly string[] | undefined
  readonly signal: AbortSignal
}

export interface VerifiedImage {
  readonly place: Place
  readonly judgements: readonly Judgement[]
  /** Checks that are not asked here, as nothing runs, or as the kernel is another's. */
  readonly notAsked: readonly string[]
}

/** @throws PgctlError `not-supported` on a machine that is no bastion. */
export async function verifyImage(root: string, wishes: VerifyWishes): Promise<VerifiedImage> {
  const checks = choose(await readChecks(wishes.checks ?? join(root, 'packer', 'checks.yaml')), wishes)
  const machine =
    wishes.tree === undefined
      ? new RunningMachine(wishes.signal)
      : new Tree(await checkFolder(wishes.tree, 'the tree'))
  if (wishes.tree === undefined && (await machine.look(RECORD)) === undefined)
    throw new PgctlError('not-supported', "this machine is no bastion of pgctl's image", {
      why: `there is no ${RECORD}`,
      next: 'check a tree with --tree FOLDER, or run it on the bastion: pgctl exec -- pgctl image verify',
    })
  const judgements = await judgeMachine(checks, machine)
  const notAsked = checks.filter(({ on }) => !on.includes(machine.place)).map(({ id }) => id)
  return { place: machine.place, judgements, notAsked }
}

async function readChecks(path: string): Promise<Check[]> {
  try {
    return parseChecks(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof PgctlError) throw error
    throw new PgctlError('usage', `cannot read the checks ${path}`, {
      why: messageOf(error),
      next: 'give the path of a checks.yaml',
      cause: error,
    })
  }
}

function choose(checks: readonly Check[], { only, skip }: VerifyWishes): Check[] {
  const unknown = [...(only ?? []), ...(skip ?? [])].find((wanted) => checks.every(({ id }) => id !== wanted))
  if (unknown !== undefined)
    throw new PgctlError('usage', `there is no check ${unknown}`, {
      next: 'pgctl image verify --json lists the ids',
    })
  return checks.filter(({ id }) => (only === undefined || only.includes(id)) && !skip?.includes(id))
}
