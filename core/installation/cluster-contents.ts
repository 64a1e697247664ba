/** What runs in the cluster: Services by name, and whether the installation is looked after. */
export interface ClusterContents {
  /** Names of the product's services that have a Service, sorted. */
  readonly services: readonly string[]
  /** Names of the product's monitors that have one, sorted. */
  readonly monitors: readonly string[]
}

/** A Service of the cluster, as far as it says whose it is. */
export interface LabelledService {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** The names of a product that its Services are told by. */
export interface ContentsProfile {
  readonly labels: { readonly release: string }
  readonly releases: readonly string[]
  readonly monitors: Readonly<Record<string, unknown>>
  readonly services: Readonly<Record<string, unknown>>
}

/**
 * The product's Services among all those of a namespace: those that belong to one of its releases, and those that
 * bear a name of the product whatever labels they have. What others have put beside them is left out.
 */
export function readContents(there: readonly LabelledService[], profile: ContentsProfile): ClusterContents {
  const names = there.map(({ name }) => name).sort()
  const monitors = names.filter((name) => Object.hasOwn(profile.monitors, name))
  const ofProduct = new Set(
    there
      .filter(({ name, labels }) => {
        const release = labels[profile.labels.release]
        return (
          Object.hasOwn(profile.services, name) ||
          (release !== undefined && profile.releases.includes(release))
        )
      })
      .map(({ name }) => name),
  )
  return { services: names.filter((name) => ofProduct.has(name) && !monitors.includes(name)), monitors }
}

/** A managed installation has monitors; one without any is unmanaged. Undefined where nobody knows. */
export function isManaged(contents: ClusterContents | undefined): boolean | undefined {
  return contents === undefined ? undefined : contents.monitors.length > 0
}
