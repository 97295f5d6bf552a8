import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// A docroot whose file system is told of each close, and takes its time.
    @Suite(.enabled(if: Capability.isRoot, "only root may mount"), .timeLimit(.minutes(1)))
    struct SlowCloseTests {
        @Test(arguments: Via.allCases)
        func aCloseThatWaitsHoldsUpNobody(_ via: Via) throws {
            let folder = try PrivateFolder()
            let docroot = try FlushingFolder(["file": Array("bytes".utf8), "other": Array("others".utf8)], in: folder)
            // One loop, which closes each file after its response.
            let server = try ServerProcess.serving(
                docroot.path,
                [
                    "--workers", "1", "--open-file-cache", "off", "--fuse-open", "per-open", "--fuse-threads", "1",
                    "--fuse-stall-timeout", "off",
                ])
            let port = via == .mount ? server.port : server.bypassPort
            #expect(try HTTPConnection.fetch(port, "/file").bodyText == "bytes")
            docroot.hold()
            for _ in 1...5 {
                var text = ""
                let time = try seconds { text = try HTTPConnection.fetch(port, "/file").bodyText }
                #expect(text == "bytes")
                #expect(time < 2)
                #expect(try HTTPConnection.fetch(port, "/other").bodyText == "others")
            }
            let isHeld = eventually(seconds: 5) { docroot.heldFlushes > 0 }
            #expect(isHeld)
            docroot.letGo()
            #expect(try HTTPConnection.fetch(port, "/file").bodyText == "bytes")
            #expect(server.stop() == .exited(0))
        }
    }
}
