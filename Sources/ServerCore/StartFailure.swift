/// Why serverfs cannot start, as one sentence for the person who started it.
package struct StartFailure: Error, CustomStringConvertible, Sendable {
    package let description: String

    package init(_ description: String) { self.description = description }
}
