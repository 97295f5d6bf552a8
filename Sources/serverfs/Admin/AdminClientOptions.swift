import ArgumentParser
import Glibc
import HTTPServer
import Platform
import ServerCore

/// Which running serverfs is meant, for the commands that ask one.
struct AdminClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The address that the running serverfs has printed as its admin.", valueName: "host:port"))
    var admin = AddressOption(address: AdminChoice.standardAddress)

    @Option(
        help: ArgumentHelp("The file with its token: what it was given as --admin-token-file.", valueName: "file"))
    var tokenFile: String?

    /// A connection to it.
    func connect(timeoutSeconds: Int = 10) throws -> AdminConnection {
        try AdminConnection(admin.address, token: try readToken(), timeoutSeconds: timeoutSeconds)
    }

    private func readToken() throws(AdminFailure) -> String? {
        guard let tokenFile else { return nil }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { buffer.deallocate() }
        do throws(Errno) {
            let file = try Files.open(tokenFile, flags: O_RDONLY)
            let count = try Files.read(file.rawValue, into: buffer, at: 0)
            // A line end of its own would end the header field.
            let text = String(decoding: buffer[..<count], as: UTF8.self)
            return String(text.filter { !$0.isWhitespace })
        } catch {
            throw AdminFailure(description: "token file \(tokenFile): \(error)")
        }
    }
}
