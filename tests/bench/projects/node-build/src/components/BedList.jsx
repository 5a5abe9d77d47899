import { useQuery } from '@tanstack/react-query';
import clsx from 'clsx';
import { formatDistanceToNow, parseISO } from 'date-fns';
import { Link } from 'react-router-dom';

export function BedList() {
  const { data = [], isPending } = useQuery({
    queryKey: ['beds'],
    queryFn: () => fetch('/api/beds').then((response) => response.json()),
  });
  if (isPending) return <p>Looking …</p>;
  return (
    <ul>
      {data.map((bed) => (
        <li key={bed.id} className={clsx('bed', { dry: bed.dry })}>
          <Link to={`/beds/${bed.id}`}>{bed.name}</Link>
          <small>watered {formatDistanceToNow(parseISO(bed.watered))} ago</small>
        </li>
      ))}
    </ul>
  );
}
