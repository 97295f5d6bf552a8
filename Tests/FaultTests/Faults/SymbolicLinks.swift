import Glibc
import Platform
import TestSupport

extension Fault {
    /// Names in the docroot that lead into the mount, or to what must not be opened.
    static let symbolicLinks: [Fault] = [
        Fault("symlink to the mount point", times: (1, 3)) { trial in
            let mountPoint = try trial.folder.makeFolder("mount")
            symlink(mountPoint, "\(trial.docroot)/link")
            symlink("../mount", "\(trial.docroot)/relative")
            try trial.expectRefusals(
                ["link", "link/", "link/\(Content.loadName)", "link/link/link", "relative/\(Content.loadName)"],
                options: ["--mount-point", mountPoint])
        },
        Fault("symlink to itself, and links in a circle", times: (1, 3)) { trial in
            symlink("link", "\(trial.docroot)/link")
            symlink("there", "\(trial.docroot)/here")
            symlink("here", "\(trial.docroot)/there")
            try trial.expectRefusals(["link", "link/", "link/x", "here", "there/x"])
        },
        Fault("symlinks to /proc/self/fd/N", times: (1, 3)) { trial in
            for number in 0..<64 { symlink("/proc/self/fd/\(number)", "\(trial.docroot)/fd-\(number)") }
            symlink("/proc/self/fd", "\(trial.docroot)/all")
            let names = (0..<64).flatMap { ["fd-\($0)", "fd-\($0)/\(Content.loadName)", "all/\($0)"] }
            try trial.expectRefusals(names)
        },
        Fault("symlink to /dev/fuse, and the device itself", times: (1, 3)) { trial in
            symlink("/dev/fuse", "\(trial.docroot)/link")
            // 10, 229: what /dev/fuse is.
            mknod("\(trial.docroot)/device", mode_t(S_IFCHR) | 0o666, dev_t(10 << 8 | 229))
            try trial.expectRefusals(["link", "device", "link/x"])
        },
        Fault("a bind mount of the mount inside the docroot", times: (1, 5)) { trial in
            let bound = "\(trial.docroot)/bound"
            mkdir(bound, 0o755)
            let server = try trial.serve()
            _ = try trial.help(["mount", "--bind", server.mountPoint, bound]).wait(seconds: 5)
            trial.undo { umount2(bound, CInt(MNT_DETACH)) }
            try trial.load()
            trial.expectAnswers(["bound/", "bound/\(Content.loadName)", "bound/bound/\(Content.loadName)"])
            trial.expectServiceBack()
        },
        Fault("a bind mount of the mount inside the docroot, SIGKILL", times: (1, 5)) { trial in
            let bound = "\(trial.docroot)/bound"
            mkdir(bound, 0o755)
            let server = try trial.serve()
            _ = try trial.help(["mount", "--bind", server.mountPoint, bound]).wait(seconds: 5)
            trial.undo { umount2(bound, CInt(MNT_DETACH)) }
            try trial.load()
            trial.expectGone(.signaled(SIGKILL)) { server.signal(SIGKILL) }
        },
    ]
}

extension Trial {
    /// Expects every name to be refused on both ways, and service to go on.
    fileprivate func expectRefusals(_ names: [String], options: [String] = []) throws {
        for strategy in [[], Trial.uncached] {
            try serve(strategy + options)
            for (name, status) in answers(names) {
                expect((400...404).contains(status), "/\(name) is answered with \(status)")
            }
            expectServiceBack()
            try server?.stopAndCheck(self)
        }
    }

    /// Expects every name to be answered, with whatever status, and never with another file's bytes.
    fileprivate func expectAnswers(_ names: [String]) { _ = answers(names) }

    private func answers(_ names: [String]) -> [(name: String, status: Int)] {
        guard let server else { return [] }
        var answers: [(String, Int)] = []
        for port in server.ports {
            for name in names {
                do {
                    let answer = try HTTPConnection.fetch(port, "/\(name)")
                    answers.append((name, answer.status))
                    let last = String(name.split(separator: "/").last ?? "")
                    if answer.status == 200, Content.version(of: answer.body, name: last) == nil {
                        add(Tally(wrong: 1, complaint: "\(answer.body.count) other bytes for /\(name)"))
                    }
                } catch {
                    hang("/\(name) was not answered: \(error)")
                }
            }
        }
        return answers
    }
}

extension ServerProcess {
    /// Ends it in good order in the middle of a trial.
    func stopAndCheck(_ trial: Trial) throws {
        trial.expect(stop() == .exited(0), "it did not end in good order")
        trial.expect(trial.isClean(self), "it left \(leftovers)")
    }
}
