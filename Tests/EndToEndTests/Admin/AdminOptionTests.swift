import Glibc
import Platform
import TestSupport
import Testing

extension EndToEnd {
    /// What `/status` says of the options: what is in effect, and what was asked for.
    @Suite(.timeLimit(.minutes(2)))
    struct AdminOptionTests {
        @Test func everyOptionIsThereWithWhatIsInEffect() throws {
            let site = try AdminSite(options: ["--profile", "seed", "--workers", "3", "--fuse-stall-timeout", "off"])
            let options = try #require(try site.status()["options"] as? [String: Any])
            let expected: [String: String] = [
                "docroot": site.site.docroot, "workers": "3", "fuse-threads": "1", "fuse-open": "per-open",
                "fuse-cache": "none", "open-file-cache": "off", "fuse-stall-timeout": "off", "profile": "seed",
                "mount-point": site.server.mountPoint, "keep-alive-timeout": "65", "on-mount-loss": "bypass",
            ]
            for (name, value) in expected { #expect("\(options[name] ?? "")" == value, "\(name)") }
            #expect(options["admin"] as? [String] == ["127.0.0.1:\(site.server.adminPort)"])
            #expect(options["listen"] as? [String] == ["127.0.0.1:\(site.server.port)"])
            // All that --help lists.
            let help = try ChildProcess([ServerProcess.binaryPath, "serve", "--help"], in: site.site.folder)
            #expect(help.wait(seconds: 10) == .exited(0))
            let listed = help.output.split(separator: "\n").compactMap { line in
                line.split(separator: " ").first.flatMap { $0.hasPrefix("--") ? String($0.dropFirst(2)) : nil }
            }
            #expect(listed.count > 15)
            #expect(Set(listed).subtracting(["version", "help"]).subtracting(options.keys) == [])
        }

        /// How bodies are sent is said for either way; `auto` is only what was asked for.
        @Test(
            arguments: [
                ([], "auto", "sendfile", "sendfile"), (["--fuse-cache", "none"], "auto", "copy", "sendfile"),
                (["--send", "copy"], "copy", "copy", "copy"), (["--bypass"], "auto", nil, "sendfile"),
                (["--bypass", "--send", "mmap"], "mmap", nil, "mmap"),
            ] as [([String], String, String?, String)])
        func sendIsWhatItComesTo(_ options: [String], _ requested: String, _ mount: String?, _ bypass: String) throws {
            let status = try AdminSite(options: options).status()
            #expect(status["requestedOptions.send"] as? String == requested)
            #expect(status["options.send.mount"] as? String == mount)
            #expect(status["options.send.bypass"] as? String == bypass)
            #expect(status["options.profile"] as? String == "fast")
        }

        @Test func whatWasAskedForIsNextToWhatThereIs() throws {
            let site = try AdminSite(prefix: ["prlimit", "--nofile=256:256"])
            let status = try site.status()
            let requested = try #require(status["requestedOptions"] as? [String: Any])
            let options = try #require(status["options"] as? [String: Any])
            #expect(Set(requested.keys).subtracting(options.keys) == [])
            #expect(status.number("requestedOptions.open-file-cache") == 1024)
            #expect(status.number("options.open-file-cache") < 100)
            #expect(requested["listen"] as? [String] == ["127.0.0.1:0"])
            #expect(requested["admin"] as? String == "127.0.0.1:0")
            #expect(!(requested["mount-point"] is String))
            #expect(requested["fuse-cache"] as? String == "watched")
        }

        /// In a user namespace of its own, whose limits can be changed without anybody else's: changes are watched at first,
        /// and when it has mounted again they cannot be.
        @Test(
            .enabled(if: Capability.userNamespaceLimits, "no user namespace with limits of its own is to be had"))
        func aCacheThatFallsBackAtTheNextMountIsToldSo() throws {
            let site = try AdminSite(prefix: ["unshare", "--user", "--map-root-user", "--mount"])
            let before = try site.status()
            #expect(before["options.fuse-cache"] as? String == "watched")
            #expect(before["fuse.watch"] as? String == "inotify")
            let process = site.server.identifier
            let forbid = "echo 0 >/proc/sys/user/max_inotify_instances"
            #expect(ChildProcess.run(["nsenter", "--user", "-t", "\(process)", "sh", "-c", forbid]) == .exited(0))
            let mount = try #require(ProcessFacts.mounts(process).last { $0.mountPoint == site.server.mountPoint })
            #expect(FuseConnection.abort(device: mount.device))
            let isBack = try eventually(seconds: 10) {
                let status = try site.status()
                return status.number("mountLosses") == 1 && status["mounted"] as? Bool == true
            }
            #expect(isBack)
            let after = try site.status()
            #expect(after["options.fuse-cache"] as? String == "timeout=1")
            #expect(after["requestedOptions.fuse-cache"] as? String == "watched")
            #expect(after["fuse.watch"] as? String == nil)
            #expect(try site.site.fetch(.mount, "/file").bodyText == "bytes")
        }

        @Test func openConnectionsAreAGauge() throws {
            let site = try AdminSite()
            func open() throws -> Double { try site.status().number("http.connections.open") }
            #expect(try open() == 0)
            var kept = try (0..<5).map { try site.site.connect(Via.allCases[$0 % 2]) }
            for connection in kept { #expect(try connection.exchange("/file").status == 200) }
            #expect(try open() == 5)
            let text = try site.admin.fetch("/metrics").bodyText
            #expect(text.contains("# TYPE serverfs_http_open_connections gauge\nserverfs_http_open_connections 5\n"))
            kept.removeLast(3)
            let areClosed = try eventually(seconds: 5) { try open() == 2 }
            #expect(areClosed)
            #expect(try site.status().number("http.connections.accepted") == 5)
            kept.removeAll()
            let isNoneLeft = try eventually(seconds: 5) { try open() == 0 }
            #expect(isNoneLeft)
        }
    }
}
