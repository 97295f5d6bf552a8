import Glibc
import Platform
import Telemetry
import Testing

@testable import FuseProxy

/// A notification waits for a folder's lock, which a LOOKUP holds until a FUSE thread has answered it: sent from a FUSE thread,
/// or with a lock held that one of them wants, it would wait for ever. Debug builds end the process instead.
@Suite(.enabled(if: _isDebugAssertConfiguration(), "only debug builds check"))
struct InvalidatorTests {
    @Test func aFuseThreadThatDropsAnEntryEndsTheProcess() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            dieAtOnce()
            _ = ThreadRules.becomeFuseThread()
            Self.invalidator.dropEntry(.root, ComponentName("name")!)
        }
        expectAssertion(result)
    }

    @Test func aFuseThreadThatDropsAnInodeEndsTheProcess() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            dieAtOnce()
            _ = ThreadRules.becomeFuseThread()
            Self.invalidator.dropInode(.root)
        }
        expectAssertion(result)
    }

    @Test func aFuseThreadThatDropsAllEntriesEndsTheProcess() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            dieAtOnce()
            _ = ThreadRules.becomeFuseThread()
            Self.invalidator.dropAllEntries()
        }
        expectAssertion(result)
    }

    @Test func aNotificationUnderALockEndsTheProcess() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            dieAtOnce()
            Guarded(0).withLock { _ in Self.invalidator.dropAllEntries() }
        }
        expectAssertion(result)
    }

    /// The same call, from a thread like the watcher's, is none of the above.
    @Test func anyOtherThreadMayNotify() async {
        await #expect(processExitsWith: .success) {
            dieAtOnce()
            Self.invalidator.dropAllEntries()
        }
    }

    /// Of no session: whoever gets past the assertion fails in another way, or not at all.
    private static var invalidator: Invalidator {
        Invalidator(session: OpaquePointer(bitPattern: 8)!, channel: -1, measurements: Measurements())
    }

    private func expectAssertion(_ result: ExitTest.Result?) {
        let said = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(said.contains("Invalidator.swift"), "\(said)")
    }
}

/// Has a failed assertion end the process without the trace that Swift's runtime would make, which takes its time.
private func dieAtOnce() {
    for signal in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV] { _ = Glibc.signal(signal, SIG_DFL) }
}
