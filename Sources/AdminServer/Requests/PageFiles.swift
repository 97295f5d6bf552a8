import Glibc
import Platform

/// The files of the live page: its own are in the program, and Chart.js is the distribution's, if it is installed. Admin thread
/// only.
final class PageFiles {
    struct File {
        let type: String
        let bytes: [UInt8]
    }

    /// Debian's libjs-chart.js, of its several versions.
    private static let chartPaths = [
        "/usr/share/javascript/chart.js/chart.umd.js", "/usr/share/javascript/chart.js/chart.min.js",
    ]
    private static let chartBytesMax = 4 << 20
    /// Read when somebody asks for it, and kept.
    private lazy var chart: File? = Self.readChart()

    func file(_ path: String) -> File? {
        switch path {
        case "/": File(type: "text/html; charset=utf-8", bytes: PackageResources.index_html)
        case "/page.js": File(type: "text/javascript; charset=utf-8", bytes: PackageResources.page_js)
        case "/page.css": File(type: "text/css; charset=utf-8", bytes: PackageResources.page_css)
        case "/chart.js": chart
        default: nil
        }
    }

    private static func readChart() -> File? {
        for path in chartPaths {
            guard let file = try? Files.open(path, flags: O_RDONLY | O_NONBLOCK),
                let status = try? Files.status(file.rawValue), status.st_mode & S_IFMT == S_IFREG,
                (1...chartBytesMax).contains(Int(status.st_size))
            else { continue }
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(status.st_size), alignment: 16)
            defer { buffer.deallocate() }
            guard let count = try? Files.read(file.rawValue, into: buffer, at: 0), count == buffer.count else {
                continue
            }
            return File(type: "text/javascript; charset=utf-8", bytes: Array(buffer))
        }
        return nil
    }
}
