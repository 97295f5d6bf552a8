/// The version of serverfs.
package enum Version {
    package static let current = "0.1.0"
}
