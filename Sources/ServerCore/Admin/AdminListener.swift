import AdminServer
import Glibc
import HTTPServer
import Platform

/// Where the admin side listens, and who may use it: settled before anything is mounted.
struct AdminListener: Sendable {
    /// One for each address, all of one port.
    let sockets: [SharedDescriptor]
    let bound: [ListenAddress]
    let access: AdminAccess
    let needsToken: Bool

    /// The longest token with some space around it.
    private static let tokenFileBytesMax = 4096

    /// - Returns: nil where the admin side is off, and where it was not asked for and its usual port is taken; then `missing`
    ///   says why.
    static func open(_ configuration: ServerConfiguration) throws(StartFailure) -> (
        listener: AdminListener?, missing: String?
    ) {
        let token = try configuration.adminTokenPath.map { (path) throws(StartFailure) in try readToken(path) }
        switch configuration.admin {
        case .off: return (nil, nil)
        case .address(let address): return (try listen(address, token), nil)
        case .standard:
            let address = AdminChoice.standardAddress
            do throws(StartFailure) {
                return (try listen(address, token), nil)
            } catch {
                return (nil, "admin: \(error)")
            }
        }
    }

    private static func listen(_ address: ListenAddress, _ token: AdminToken?) throws(StartFailure) -> AdminListener {
        let found: [ListeningSocket.Alone]
        do throws(ListenFailure) {
            found = try ListeningSocket.listenAlone(
                address, backlog: AdminServer.backlog, addressesMax: AdminServer.addressesMax)
        } catch {
            throw StartFailure(error.description)
        }
        guard found.allSatisfy(\.isLoopback) || token != nil else {
            throw StartFailure(
                "--admin \(address) can be reached from other machines: it needs --admin-token-file")
        }
        return AdminListener(
            sockets: found.map(\.socket), bound: found.map(\.bound),
            access: AdminAccess(token: token, port: found[0].bound.port, givenHost: address.host),
            needsToken: token != nil)
    }

    private static func readToken(_ path: String) throws(StartFailure) -> AdminToken {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: tokenFileBytesMax + 1, alignment: 16)
        defer { buffer.deallocate() }
        let count: Int
        do throws(Errno) {
            let file = try Files.open(path, flags: O_RDONLY | O_NONBLOCK)
            count = try Files.read(file.rawValue, into: buffer, at: 0)
        } catch {
            throw StartFailure("token file \(path): \(error)")
        }
        guard count <= tokenFileBytesMax, let token = AdminToken(contents: buffer[..<count]) else {
            throw StartFailure(
                "token file \(path): a token has \(AdminToken.byteCountMin) to \(AdminToken.byteCountMax) "
                    + "letters, digits or -._~+/=")
        }
        return token
    }
}
