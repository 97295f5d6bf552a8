import Glibc
import Platform

/// The terminal while `serverfs top` has it: another screen, no cursor, and keys that are not shown. What was there before comes
/// back when it ends, is told to end, or is stopped (Ctrl-Z); the page, when it goes on.
final class TerminalScreen: Sendable {
    private let state = Guarded(State())

    private struct State {
        /// What the terminal was like; nil while it is so.
        var before: termios?
        /// What was shown last.
        var page: [String] = []
    }

    /// Whether the standard output is a terminal.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Takes the terminal. To be called before any other thread is started: signals are taken by one of its own.
    init() throws {
        let signals = try SignalQueue([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH])
        enter()
        _ = try NamedThread("signals") { [self] in
            while true {
                let signal = signals.next()
                switch signal {
                case SIGTSTP:
                    leave()
                    kill(getpid(), SIGSTOP)
                case SIGCONT: enter()
                case SIGWINCH: state.withLock { paint($0) }
                default:
                    leave()
                    _exit(128 + signal)
                }
            }
        }
    }

    /// Columns and rows.
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Shows a page, cut to the terminal's size; while the terminal is given back, later.
    func show(_ lines: [String]) {
        state.withLock { state in
            state.page = lines
            paint(state)
        }
    }

    private func paint(_ state: State) {
        guard state.before != nil, !state.page.isEmpty else { return }
        let (columns, rows) = size
        let shown = state.page.prefix(rows).map { "\($0.prefix(columns))\u{1b}[K" }
        write("\u{1b}[H" + shown.joined(separator: "\n") + "\u{1b}[J")
    }

    /// Takes the terminal, perhaps once more: SIGSTOP leaves no time to give it back, and a shell then makes it its own.
    private func enter() {
        state.withLock { state in
            var present = termios()
            guard tcgetattr(STDOUT_FILENO, &present) == 0 else { return }
            state.before = state.before ?? present
            present.c_lflag &= ~tcflag_t(ECHO | ICANON)
            tcsetattr(STDOUT_FILENO, TCSANOW, &present)
            write("\u{1b}[?1049h\u{1b}[?25l")
            paint(state)
        }
    }

    /// Gives the terminal back as it was.
    func leave() {
        state.withLock { state in
            guard var settings = state.before else { return }
            write("\u{1b}[?25h\u{1b}[?1049l")
            // What was typed meanwhile is not the shell's.
            tcsetattr(STDOUT_FILENO, TCSAFLUSH, &settings)
            state.before = nil
        }
    }

    private func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
