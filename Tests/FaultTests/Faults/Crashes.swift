import CFaultInjection
import Glibc
import Platform
import TestSupport

extension Fault {
    /// Defects in the process itself.
    static let crashes: [Fault] = [
        Fault("SIGABRT under load", times: (1, 10)) { trial in
            let server = try trial.serve()
            try trial.load()
            trial.expectGone(.signaled(SIGABRT)) { server.signal(SIGABRT) }
        },
        Fault("a trap on an http thread", times: (1, 10)) { trial in try trial.trap("http-0") },
        Fault("a trap on a fuse thread", times: (1, 10)) { trial in try trial.trap("fuse-0") },
    ]
}

extension Trial {
    /// Lets a thread of the server, under load, go on where there is no code.
    fileprivate func trap(_ name: String) throws {
        let server = try serve()
        try load()
        let threads = PrivateFolder.names(in: "/proc/\(server.identifier)/task")
        guard let thread = threads.first(where: { ProcessFacts.name(server.identifier, thread: $0) == name }),
            let identifier = pid_t(thread)
        else {
            fail("there is no thread \(name)")
            return
        }
        expectGone(.signaled(SIGSEGV)) {
            let result = fault_injection_trap(identifier)
            if result != 0 { fail("the thread could not be made to fault: \(Errno(rawValue: -result))") }
        }
    }
}
