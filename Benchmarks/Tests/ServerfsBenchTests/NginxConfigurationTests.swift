import Testing

@testable import serverfs_bench

@Suite struct NginxConfigurationTests {
    @Test func theBaselineIsSpelledOut() {
        var configuration = NginxConfiguration(
            docroot: "/a docroot", port: 4711, directory: "/tmp/x", openFileCache: true, asRoot: true)
        let text = configuration.text
        for line in [
            "user root;", "worker_processes 2;", "daemon off;", "sendfile on;", "tcp_nopush on;", "access_log off;",
            "open_file_cache max=10000 inactive=60s;", "worker_connections 4096;", "listen 127.0.0.1:4711 reuseport;",
            "root \"/a docroot\";", "error_log \"/tmp/x/nginx-error.log\";",
        ] {
            #expect(text.contains(line))
        }
        configuration.openFileCache = false
        configuration.asRoot = false
        #expect(configuration.text.contains("open_file_cache off;"))
        #expect(!configuration.text.contains("user "))
    }
}
