// Runs before the tests, in words that any Node can parse: `npm ci --ignore-scripts` leaves the machine's own Node.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    `The tests need Node 24, which "npm ci" installs beside the project; this is Node ${process.versions.node}. Run "npm ci" without --ignore-scripts.`,
  )
  process.exitCode = 1
}
