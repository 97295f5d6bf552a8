import FuseProxy
import Glibc
import Platform
import ServerCore
import Telemetry
import TestSupport
import Testing

/// How a mount is started, and what is left of one that cannot be. On real mounts.
@Suite(
    .timeLimit(.minutes(1)), .onDedicatedThread,
    .enabled(if: Capability.mounting && Capability.isRoot, "it needs /dev/fuse and root"))
struct MountStartTests {
    /// Before kernel and daemon have agreed (INIT), every call on the mount waits for that. Here nobody is there to answer.
    @Test func nobodyEntersAMountThatIsNotInitialized() throws {
        let folder = try PrivateFolder()
        let docroot = try Docroot(path: folder.makeFolder("docroot"))
        let mountPoint = try MountPoint.use(folder.makeFolder("mount"), docroot: docroot)
        var configuration = ProxyConfiguration()
        configuration.threads = 0
        // Whoever has entered it all the same is let go, so that the test ends.
        let isDone = SharedFlag()
        let guardian = try ClientThreads(1) { _ in
            guard !eventually(seconds: 10, { isDone.isSet }) else { return }
            for mount in PrivateFolder.mounts(below: folder.path) { _ = FuseConnection.abort(device: mount.device) }
        }
        let stopwatch = Stopwatch()
        let failure = #expect(throws: StartFailure.self) {
            _ = try ProxyMount(
                docroot: docroot, mountPoint: mountPoint, configuration: configuration, measurements: Measurements())
        }
        #expect(stopwatch.wallSeconds > 4)
        #expect(stopwatch.seconds < 9)
        isDone.set()
        try guardian.join()
        #expect(failure?.description.contains("does not answer (\(Errno.timedOut))") == true)
        #expect(PrivateFolder.mounts(below: folder.path).isEmpty)
    }

    /// Wherever on its way the start runs out of descriptors, it gives back all that it has taken. The limit is the process's:
    /// so this test has one of its own.
    @Test func aMountThatFailsForWantOfDescriptorsLeavesNoneOpen() async {
        await #expect(processExitsWith: .success) {
            let folder = try PrivateFolder()
            let docroot = try Docroot(path: folder.makeFolder("docroot"))
            let mountPoint = try MountPoint.use(folder.makeFolder("mount"), docroot: docroot)
            var configuration = ProxyConfiguration()
            configuration.threads = 4
            /// - Returns: whether it was mounted; it is no longer.
            func mount() -> Bool {
                let made = try? ProxyMount(
                    docroot: docroot, mountPoint: mountPoint, configuration: configuration,
                    measurements: Measurements())
                setDescriptorLimit(4096)
                if let made { #expect(made.stop()) }
                return made != nil
            }
            // What the first one opens for all that follow.
            #expect(mount())
            let highest = try #require(ProcessFacts.descriptors(getpid()).map(\.number).max())
            // No gaps that a limit would leave open.
            while dup(STDIN_FILENO) < highest {}
            let before = ProcessFacts.descriptorCount(getpid())
            var (failures, successes) = (0, 0)
            for spare in 0...48 {
                setDescriptorLimit(before + spare)
                if mount() { successes += 1 } else { failures += 1 }
                #expect(ProcessFacts.descriptorCount(getpid()) == before, "descriptors left with \(spare) to spare")
                let left = PrivateFolder.mounts(below: folder.path)
                #expect(left.isEmpty, "a mount left with \(spare) to spare")
                for mount in left { umount2(mount.mountPoint, CInt(MNT_DETACH)) }
            }
            #expect(failures > 10, "\(failures) failures")
            #expect(successes > 3, "\(successes) mounts")
        }
    }
}

private func setDescriptorLimit(_ count: Int) {
    var limit = rlimit(rlim_cur: rlim_t(count), rlim_max: 4096)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
