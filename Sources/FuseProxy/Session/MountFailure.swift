/// Why a mount could not be made, as a sentence for the person who asked for it.
package struct MountFailure: Error, CustomStringConvertible, Sendable {
    package let description: String

    init(_ description: String) { self.description = description }
}
