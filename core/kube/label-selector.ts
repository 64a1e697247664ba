/** Selectors of labels in the cluster's own words: `tier=web,env in (a,b),!canary`. */

const NAME = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?'
const KEY = `(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?${NAME}`
const REQUIREMENTS = [
  new RegExp(`^!?\\s*${KEY}$`),
  new RegExp(`^${KEY}\\s*(?:!=|==?)\\s*(?:${NAME})?$`),
  new RegExp(`^${KEY}\\s+(?:not)?in\\s*\\(\\s*${NAME}(?:\\s*,\\s*${NAME})*\\s*\\)$`),
]

/** Whether the cluster would take `text` for a selector that selects something. */
export function isLabelSelector(text: string): boolean {
  const requirements = text.split(/,(?![^(]*\))/).map((requirement) => requirement.trim())
  return requirements.every((requirement) => REQUIREMENTS.some((form) => form.test(requirement)))
}
