/** What Prometheus and Kubernetes' Gateway API Inference Extension read. */
@NullMarked
package lorikeet.runtime.server.metrics;

import org.jspecify.annotations.NullMarked;
