import Glibc
import Testing

extension EndToEnd {
    /// Command lines that make no sense, and addresses that cannot be had.
    @Suite(.timeLimit(.minutes(1)))
    struct OptionTests {
        private let folder: PrivateFolder
        private let docroot: String

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            _ = try folder.makeFolder("mount")
        }

        @Test(arguments: [
            ["--no-such-option"], ["--listen"], ["--workers", "0"], ["--workers", "65"], ["--workers", "two"],
            ["--workers", "-1"], ["--workers", "99999999999999999999"], ["--fuse-threads", "0"],
            ["--fuse-threads", "65"], ["--fuse-threads", "x"], ["--keep-alive-timeout", "0"],
            ["--keep-alive-timeout", "-5"], ["--keep-alive-timeout", "86401"], ["--keep-alive-timeout", "1.5"],
            ["--open-file-cache", "0"], ["--open-file-cache", "-1"], ["--open-file-cache", "on"],
            ["--open-file-cache", "1000001"], ["--listen", "8080"], ["--listen", "127.0.0.1"],
            ["--listen", "127.0.0.1:"], ["--listen", ":8080"], ["--listen", "127.0.0.1:65536"],
            ["--listen", "127.0.0.1:-1"], ["--listen", "127.0.0.1:http"], ["--listen", "::1:80"],
            ["--listen", "127.0.0.1:+80"], ["--listen", ""], ["--listen-bypass", "x"], ["another-argument"],
            ["--telemetry"], ["--telemetry", "yes"], ["--server-timing", "on"],
        ])
        func nonsenseIsAUsageError(_ options: [String]) throws {
            try FailedStart(["serve", docroot] + options, in: folder).expectUsageError()
        }

        @Test func whatContradictsIsAUsageError() throws {
            let mountPoint = "\(folder.path)/mount"
            try FailedStart([docroot, "--bypass", "--mount-point", mountPoint], in: folder)
                .expectUsageError("--bypass", "--mount-point")
            try FailedStart([docroot, "--bypass", "--fuse-threads", "1"], in: folder)
                .expectUsageError("--bypass", "--fuse-")
            try FailedStart([docroot, "--server-timing", "--telemetry", "off"], in: folder)
                .expectUsageError("--server-timing", "--telemetry")
        }

        @Test func theMountCommandTakesTwoArguments() throws {
            try FailedStart(["mount"], in: folder).expectUsageError()
            try FailedStart(["mount", docroot], in: folder).expectUsageError()
            try FailedStart(["mount", docroot, "\(folder.path)/mount", "more"], in: folder).expectUsageError()
            try FailedStart(["mount", docroot, "\(folder.path)/mount", "--bypass"], in: folder).expectUsageError()
            try FailedStart(["mount", docroot, "\(folder.path)/mount", "--fuse-threads", "0"], in: folder)
                .expectUsageError("--fuse-threads")
        }

        @Test func helpAndVersionAreAnswered() throws {
            for arguments in [["--help"], ["serve", "--help"], ["mount", "--help"], ["--version"]] {
                let process = try ChildProcess([ServerProcess.binaryPath] + arguments, in: folder)
                #expect(process.wait(seconds: 5) == .exited(0))
                #expect(!process.output.isEmpty)
                #expect(process.errorOutput.isEmpty)
            }
        }

        @Test(arguments: ["--listen", "--listen-bypass"])
        func aPortThatIsTakenIsNamed(_ option: String) throws {
            let taken = try OccupiedPort()
            try withExtendedLifetime(taken) {
                let start = try FailedStart([docroot, option, "127.0.0.1:\(taken.port)"] + other(option), in: folder)
                start.expectRefusal("cannot listen on 127.0.0.1:\(taken.port)", "Address already in use")
            }
        }

        /// Its sockets share their port among themselves, but not with another serverfs.
        @Test(arguments: ["--listen", "--listen-bypass"])
        func aPortOfAnotherServerfsIsTaken(_ option: String) throws {
            let first = try ServerProcess.serving(docroot)
            for port in first.ports {
                try FailedStart([docroot, option, "127.0.0.1:\(port)"] + other(option), in: folder)
                    .expectRefusal("cannot listen on 127.0.0.1:\(port)", "Address already in use")
            }
            #expect(try HTTPConnection.fetch(first.port, "/").status == 403)
        }

        @Test func oneAddressForTwoListenersIsTaken() throws {
            let address = "127.0.0.1:\(try OccupiedPort.findFree())"
            for second in ["--listen", "--listen-bypass"] {
                try FailedStart([docroot, "--listen", address, second, address], in: folder)
                    .expectRefusal("cannot listen on \(address)", "Address already in use")
            }
        }

        /// The second address fails after the first is bound.
        @Test(arguments: ["192.0.2.1:80", "no.such.host.invalid:80", "[2001:db8::1]:80", "127.0.0.1.1:80"])
        func anAddressThatIsNotThisMachinesIsNamed(_ address: String) throws {
            let start = try FailedStart([docroot, "--listen", "127.0.0.1:0", "--listen", address], in: folder)
            #expect(start.message.hasPrefix("serverfs: cannot listen on \(address): "))
            #expect(start.status == .exited(1))
        }

        @Test(.enabled(if: Capability.otherUsers, "another user cannot run the test's server"))
        func aPortWithoutTheRightToItIsNamed() throws {
            let prefix = ["unshare", "-n"] + User.nobody.prefix
            try FailedStart([docroot, "--listen", "127.0.0.1:80"], in: folder, prefix: prefix)
                .expectRefusal("cannot listen on 127.0.0.1:80", "Permission denied")
        }

        private func other(_ option: String) -> [String] {
            option == "--listen-bypass" ? ["--listen", "127.0.0.1:0"] : []
        }
    }
}
