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
        case "/page.css": File(type: "text/css; charset=utf-8", bytes: PackageResources.page_css)
        case "/icon.svg": File(type: "image/svg+xml", bytes: PackageResources.icon_svg)
        case "/chart.js": chart
        default: Self.script(path).map { File(type: Self.scriptType, bytes: $0) }
        }
    }

    private static let scriptType = "text/javascript; charset=utf-8"

    /// The page's modules.
    private static func script(_ path: String) -> [UInt8]? {
        switch path {
        case "/page.js": PackageResources.page_js
        case "/charts.js": PackageResources.charts_js
        case "/colors.js": PackageResources.colors_js
        case "/connection.js": PackageResources.connection_js
        case "/controls.js": PackageResources.controls_js
        case "/dom.js": PackageResources.dom_js
        case "/history.js": PackageResources.history_js
        case "/slow.js": PackageResources.slow_js
        case "/tables.js": PackageResources.tables_js
        case "/text.js": PackageResources.text_js
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
            return File(type: scriptType, bytes: Array(buffer))
        }
        return nil
    }
}
