/// Why a measurement does not count, as one sentence for the person who asked for it.
package struct CostFailure: Error, CustomStringConvertible, Equatable, Sendable {
    package let description: String

    package init(_ description: String) { self.description = description }

    static let interrupted = CostFailure("interrupted: there are no figures")
}
