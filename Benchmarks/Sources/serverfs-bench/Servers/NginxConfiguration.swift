/// nginx as the design's baseline has it: two workers, sendfile, and its own open-file cache when ours is on.
struct NginxConfiguration {
    var docroot: String
    var port: UInt16
    var directory: String
    var openFileCache: Bool
    var asRoot: Bool

    static let workers = 2

    var text: String {
        """
        \(asRoot ? "user root;" : "")
        worker_processes \(Self.workers);
        worker_rlimit_nofile 8192;
        daemon off;
        pid "\(directory)/nginx.pid";
        error_log "\(directory)/nginx-error.log";
        events { worker_connections 4096; }
        http {
            access_log off;
            sendfile on;
            tcp_nopush on;
            open_file_cache \(openFileCache ? "max=10000 inactive=60s" : "off");
            keepalive_requests 1000000000;
            client_body_temp_path "\(directory)/nginx-body";
            proxy_temp_path "\(directory)/nginx-proxy";
            fastcgi_temp_path "\(directory)/nginx-fastcgi";
            uwsgi_temp_path "\(directory)/nginx-uwsgi";
            scgi_temp_path "\(directory)/nginx-scgi";
            server {
                listen 127.0.0.1:\(port) reuseport;
                root "\(docroot)";
            }
        }

        """
    }
}
