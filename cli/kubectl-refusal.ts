import { execFile } from 'node:child_process'
import { rightBeyondView } from '#core/kube/kubectl-words.ts'
import { type ClusterRight, waysTo } from '#core/kube/rights.ts'
import { type ProgramRun, runProgram } from './program.ts'

/** What kubectl ends with for every failure of its own. */
const FAILED = 1
const ANSWERED_WITHIN_MS = 15_000

/**
 * Runs a program with a way to the cluster, as `runProgram` does. Where kubectl has failed at something that only some
 * may do, the cluster is asked whether this is why; `tell` is then told which role has it. What kubectl prints, and
 * its exit status, are its own.
 */
export async function runTellingRefusals(
  path: string,
  program: string,
  run: ProgramRun,
  tell: (text: string) => void,
): Promise<number> {
  const status = await runProgram(path, run)
  const right = status === FAILED && program === 'kubectl' ? rightBeyondView(run.words) : undefined
  if (right === undefined || run.signal.aborted) return status
  if (await isForbidden(path, right, run))
    tell(`not allowed to ${right.verb} ${right.resource}: ${waysTo(right)}`)
  return status
}

/** By the same program on the same way. Whatever keeps the cluster from saying no is no reason to say so for it. */
function isForbidden(
  path: string,
  right: ClusterRight,
  { environment, signal }: ProgramRun,
): Promise<boolean> {
  const [resource = '', subresource] = right.resource.split('/')
  const type = right.group === '' ? resource : `${resource}.${right.group}`
  const words = ['auth', 'can-i', right.verb, type, ...(subresource ? [`--subresource=${subresource}`] : [])]
  return new Promise((resolve) =>
    execFile(path, words, { env: environment, timeout: ANSWERED_WITHIN_MS, signal }, (_error, stdout) =>
      resolve(stdout.trim() === 'no'),
    ),
  )
}
