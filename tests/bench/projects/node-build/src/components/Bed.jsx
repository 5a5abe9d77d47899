import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useParams } from 'react-router-dom';

export function Bed() {
  const { id } = useParams();
  const queries = useQueryClient();
  const water = useMutation({
    mutationFn: () => fetch(`/api/beds/${id}/water`, { method: 'POST' }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['beds'] }),
  });
  return <button onClick={() => water.mutate()}>I have watered it</button>;
}
