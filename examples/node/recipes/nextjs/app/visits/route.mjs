// GET /visits. A route handler of Next.js; the native addon needs the Node.js runtime, not the edge one. In
// next.config: `serverExternalPackages: ['entrakey']`, so that it is not bundled.
import { redis } from '../../lib/redis.mjs';

export const runtime = 'nodejs';
export const dynamic = 'force-dynamic';

export async function GET() {
  const { client } = await redis();
  return Response.json({ visits: await client.incr('nextjs:visits') });
}
