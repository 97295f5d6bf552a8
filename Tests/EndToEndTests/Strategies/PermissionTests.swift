import Glibc
import Platform
import Testing

extension EndToEnd {
    /// Files and folders that an ordinary user may not use: refused through the mount as in the docroot, whoever runs it.
    @Suite(.timeLimit(.minutes(1)), .enabled(if: Capability.otherUsers, "setpriv needs root, and a readable binary"))
    struct PermissionTests {
        private let folder: PrivateFolder
        private let docroot: String

        /// Asks for everything below the present folder, by relative names: what is said is the same on either side.
        private static let questions = """
            export LC_ALL=C
            for folder in . folder-*; do
                echo "== $folder"
                ls -ln --time-style=full-iso "$folder"
                files=$(echo "$folder"/{theirs,mine,missing}-{000,600,644})
                stat -c '%n %F %a %u %g %s %Y' $files
                cat $files
                for file in $files; do [ -r "$file" ] && echo "$file is readable"; done
                (cd "$folder" && echo entered)
            done 2>&1
            """

        init() throws {
            folder = try PrivateFolder()
            docroot = try folder.makeFolder("docroot")
            for (owner, user) in [("theirs", 0), ("mine", User.nobodyID)] {
                for mode in [0o700, 0o000, 0o711, 0o755, 0o744] as [mode_t] {
                    let path = try folder.makeFolder("docroot/folder-\(owner)-\(Self.text(mode))")
                    try makeFiles(in: path)
                    chown(path, user, user)
                    chmod(path, mode)
                }
            }
            try makeFiles(in: docroot)
        }

        private func makeFiles(in path: String) throws {
            for (owner, user) in [("theirs", 0), ("mine", User.nobodyID)] {
                for mode in [0o000, 0o600, 0o644] as [mode_t] {
                    let file = "\(path)/\(owner)-\(Self.text(mode))"
                    try writeFile(Array(file.utf8), Array("\(owner) \(mode)\n".utf8))
                    chown(file, user, user)
                    chmod(file, mode)
                }
            }
        }

        private static func text(_ mode: mode_t) -> String {
            let digits = String(mode, radix: 8)
            return String(repeating: "0", count: 3 - digits.count) + digits
        }

        private func answers(in side: String, prefix: [String]) throws -> [Substring] {
            let child = try ChildProcess(
                prefix + ["env", "-C", side, "timeout", "10", "bash", "-c", Self.questions], in: folder)
            _ = child.wait(seconds: 15)
            return child.output.split(separator: "\n")
        }

        private func expectSameAnswers(_ mounted: MountedDocroot, prefix: [String]) throws {
            let expected = try answers(in: docroot, prefix: prefix)
            for _ in 1...2 {
                let found = try answers(in: mounted.mountPoint, prefix: prefix)
                #expect(found.count == expected.count)
                for (answer, expectation) in zip(found, expected) { #expect(answer == expectation) }
            }
            if !prefix.isEmpty {
                #expect(expected.contains { $0.hasSuffix("Permission denied") })
                #expect(expected.contains { $0.hasSuffix("is readable") })
            }
        }

        @Test(arguments: Combination.sample)
        func anOrdinaryUserMayWhatTheDocrootAllows(_ combination: Combination) throws {
            let mounted = try MountedDocroot(docroot, combination.options)
            // As root first: what the kernel then knows must not help the other.
            try expectSameAnswers(mounted, prefix: [])
            try expectSameAnswers(mounted, prefix: User.nobody.prefix)
            #expect(mounted.server.stop() == .exited(0))
        }

        /// serverfs itself may not read everything then, nor be told of changes everywhere.
        @Test(
            .enabled(if: Capability.ordinaryMounting, Capability.ordinaryMountingReason),
            arguments: Combination.sample.filter { $0.open != "passthrough" })
        func aMountByAnOrdinaryUserGivesTheSameAnswers(_ combination: Combination) throws {
            let mounted = try MountedDocroot(docroot, combination.options, prefix: User.nobody.prefix)
            try expectSameAnswers(mounted, prefix: User.nobody.prefix)
            #expect(mounted.server.stop() == .exited(0))
        }
    }
}
