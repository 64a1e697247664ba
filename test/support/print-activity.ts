/** Prints what the report of a bastion says of this machine, as JSON. */

import { activityOf } from '#core/bastion/activity.ts'
import { readKernelFiles } from '#core/bastion/io/kernel-files.ts'

const { connections, programs, sessions } = activityOf(await readKernelFiles('/proc'), 'i-0', 0)
process.stdout.write(JSON.stringify({ connections, programs, sessions }))
