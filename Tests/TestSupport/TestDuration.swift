import Glibc
import Platform
package import Testing

/// How long the tests go on that find more the longer they run: short in `make test`, the full time in `make test-long`.
package enum TestDuration {
    /// Seconds for each loop of changes: SERVERFS_TEST_SECONDS.
    package static let loopSeconds = environmentSeconds("SERVERFS_TEST_SECONDS") ?? 3
    /// Seconds for the random run: SERVERFS_TEST_RANDOM_SECONDS.
    package static let randomSeconds = environmentSeconds("SERVERFS_TEST_RANDOM_SECONDS") ?? 20

    /// Whether it is the full time.
    package static let isLong = loopSeconds >= 30

    /// A time limit for a test that takes `seconds`, and as long again where the machine is busy.
    package static func limit(_ seconds: Double) -> TimeLimitTrait.Duration { .minutes(2 + Int(seconds * 2 / 60)) }

    private static func environmentSeconds(_ name: String) -> Double? {
        getenv(name).flatMap { Double(String(cString: $0)) }
    }
}

/// Waits until what has been written so far counts as old: a file that has just changed is read anew for each response
/// (`ContentVersion.isRecent`).
package func waitUntilSettled() {
    let version = ContentVersion.now
    while version.isRecent { usleep(50_000) }
}

extension ContentVersion {
    /// That of a file which changes just now.
    fileprivate static var now: ContentVersion {
        var version = ContentVersion()
        version.modifiedNanoseconds = Clock.unixNanoseconds
        version.changedNanoseconds = version.modifiedNanoseconds
        return version
    }
}
