/** Lines of an audit's log as the daemon writes them, enriched. */

export interface MadeEvent {
  /** Seconds since the epoch, with three decimals. */
  readonly time: string
  readonly serial: number
  readonly lines: readonly string[]
}

/** A program that somebody has run: five lines, of which the last says so unless it is left out. */
export function execEvent(time: string, serial: number, program: string, ends = true): MadeEvent {
  const id = `msg=audit(${time}:${serial}):`
  const lines = [
    `type=SYSCALL ${id} arch=c000003e syscall=59 success=yes exit=0 items=2 pid=${serial} auid=1000 uid=1000 comm="${program}" exe="/usr/bin/${program}" key="exec"\u001dARCH=x86_64 SYSCALL=execve AUID="bastion" UID="bastion"`,
    `type=EXECVE ${id} argc=1 a0="${program}"`,
    `type=CWD ${id} cwd="/home/bastion"`,
    `type=PATH ${id} item=0 name="/usr/bin/${program}" inode=1071 mode=0100755 nametype=NORMAL\u001dOUID="root" OGID="root"`,
    ...(ends ? [`type=PROCTITLE ${id} proctitle=6C73`] : []),
  ]
  return { time, serial, lines }
}

/** What a service says in one line. */
export function userEvent(time: string, serial: number): MadeEvent {
  const line = `type=USER_LOGIN msg=audit(${time}:${serial}): pid=1 uid=0 auid=1000 ses=3 msg='op=login id=1000 res=success'\u001dUID="root" AUID="bastion" ID="bastion"`
  return { time, serial, lines: [line] }
}
